import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import type {
  CloudFrontRequest,
  CloudFrontResponse,
  OriginRequestEvent,
} from '#functions/edge/origin-request.ts';
import { assertEdgeResult } from './edge-limits.ts';
import {
  type ClientRequest,
  functionUrlEvent,
  isEdgeAnswer,
  originRequestEvent,
  type StreamedAnswer,
} from './lambda-events.ts';

export interface CloudFrontDeps {
  readonly edge: (event: OriginRequestEvent) => Promise<CloudFrontRequest | CloudFrontResponse>;
  /** The Function URL: fails where that answers 502. */
  readonly api: (event: unknown) => Promise<StreamedAnswer & { readonly body: Readable }>;
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
    pass(deps, host, request, response).catch((error: unknown) => {
      process.stderr.write(`502 of ${request.method} ${request.url}: ${error}\n`);
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
  const event = originRequestEvent(client, host);
  const result = await deps.edge(event);
  assertEdgeResult(event.Records[0].cf.request, result);
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
  const signed = functionUrlEvent(result, client.body);
  if (signed === undefined) {
    response.writeHead(403).end('{"message":"The request signature does not match"}');
    return;
  }
  const { statusCode, headers, cookies, body } = await deps.api(signed);
  response.writeHead(statusCode, {
    ...headers,
    ...(cookies.length === 0 ? {} : { 'set-cookie': [...cookies] }),
  });
  // A client that hangs up changes nothing for the function, which ends as it would have.
  response.once('close', () => body.unpipe(response).resume());
  body.once('error', () => response.destroy());
  body.pipe(response);
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
