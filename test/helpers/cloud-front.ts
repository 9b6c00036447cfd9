import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  CloudFrontRequest,
  CloudFrontResponse,
  OriginRequestEvent,
} from '#functions/edge/origin-request.ts';
import {
  type ClientRequest,
  functionUrlEvent,
  isEdgeAnswer,
  originRequestEvent,
  ResponseStream,
  type StreamedAnswer,
} from './lambda-events.ts';

export interface CloudFrontDeps {
  readonly edge: (event: OriginRequestEvent) => Promise<CloudFrontRequest | CloudFrontResponse>;
  /** A handler with RESPONSE_STREAM. */
  readonly api: (event: unknown, stream: ResponseStream, context: unknown) => Promise<void>;
}

export interface CloudFront {
  /** `http://127.0.0.1:PORT`, what clients call. */
  readonly url: string;
  stop(): Promise<void>;
}

/** HTTP in front of the edge and API handlers, with the events and rules of the services between. */
export async function startCloudFront(deps: CloudFrontDeps): Promise<CloudFront> {
  let host = '';
  const server = createServer((request, response) => {
    pass(deps, host, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(502);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function pass(
  deps: CloudFrontDeps,
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const client = await readClientRequest(request);
  const result = await deps.edge(originRequestEvent(client, host));
  if (isEdgeAnswer(result)) {
    for (const [name, values] of Object.entries(result.headers)) {
      response.setHeader(
        name,
        values.map(({ value }) => value),
      );
    }
    response.writeHead(Number(result.status));
    response.end(result.body);
    return;
  }
  const event = functionUrlEvent(result, client.body);
  if (event === undefined) {
    response.writeHead(403).end('{"message":"The request signature does not match"}');
    return;
  }
  const stream = new ResponseStream();
  stream.once('head', (head: StreamedAnswer) => {
    response.writeHead(head.statusCode, {
      ...head.headers,
      ...(head.cookies.length === 0 ? {} : { 'set-cookie': [...head.cookies] }),
    });
    stream.pipe(response);
  });
  await deps.api(event, stream, {});
}

async function readClientRequest(request: IncomingMessage): Promise<ClientRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  return {
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers,
    body: Buffer.concat(chunks),
  };
}
