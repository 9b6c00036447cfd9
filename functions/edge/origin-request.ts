import type { Forwarded } from '#shared/core/forwarded.ts';
import { EDGE_HEADERS, edgeHeaders } from './edge-headers.ts';

type CloudFrontHeaders = Record<string, { key?: string; value: string }[]>;

/** The part of CloudFront's request that an origin-request function sees and may change. */
export interface CloudFrontRequest {
  readonly method: string;
  readonly uri: string;
  readonly querystring: string;
  readonly headers: CloudFrontHeaders;
  readonly body?: {
    readonly data: string;
    readonly encoding: 'base64' | 'text';
    readonly inputTruncated: boolean;
    readonly action: string;
  };
}

export interface OriginRequestEvent {
  readonly Records: readonly [
    {
      readonly cf: {
        readonly config: { readonly distributionDomainName: string };
        readonly request: CloudFrontRequest;
      };
    },
  ];
}

/** An answer of the edge itself. */
export interface CloudFrontResponse {
  readonly status: string;
  readonly headers: CloudFrontHeaders;
  readonly body: string;
  readonly bodyEncoding: 'text';
}

/** Given to the edge app beside a request: set when the request may pass on to the API. */
export interface Passage {
  forwarded?: Forwarded;
}

/**
 * Lambda@Edge's view of the edge app. A request that may pass is passed to the API with its body
 * unchanged and the edge's headers; anything else is answered here. A body that CloudFront cut off is too
 * large whatever its length says.
 */
export function createOriginRequestHandler(deps: {
  readonly fetch: (request: Request, passage: Passage) => Response | Promise<Response>;
  /** For a request that can't be made into a `Request`. */
  readonly answerUnreadable: () => Response;
  readonly publicHost?: string;
  readonly maxBodyBytes: number;
}) {
  return async (event: OriginRequestEvent): Promise<CloudFrontRequest | CloudFrontResponse> => {
    const [{ cf }] = event.Records;
    const { request } = cf;
    const host = deps.publicHost ?? cf.config.distributionDomainName;
    const readable = readRequest(request, host, deps.maxBodyBytes);
    if (readable === undefined) return toCloudFrontResponse(deps.answerUnreadable());
    const passage: Passage = {};
    const answer = await deps.fetch(readable, passage);
    if (passage.forwarded === undefined) return toCloudFrontResponse(answer);
    // The rest stays unchanged: CloudFront fails a request whose read-only headers were touched.
    const client = Object.entries(request.headers).filter(
      ([name]) => !EDGE_HEADERS.has(name.toLowerCase()),
    );
    const ours = toCloudFrontHeaders(edgeHeaders(passage.forwarded, host));
    return { ...request, headers: { ...Object.fromEntries(client), ...ours } };
  };
}

function readRequest(
  request: CloudFrontRequest,
  host: string,
  maxBodyBytes: number,
): Request | undefined {
  try {
    return toRequest(request, host, maxBodyBytes);
  } catch {
    return undefined;
  }
}

function toRequest(request: CloudFrontRequest, host: string, maxBodyBytes: number): Request {
  const query = request.querystring === '' ? '' : `?${request.querystring}`;
  const headers = new Headers();
  for (const [name, values] of Object.entries(request.headers)) {
    for (const { value } of values) headers.append(name, value);
  }
  const body = bodyOf(request, maxBodyBytes);
  // The length is counted again: the body that the client announced may have been cut.
  headers.delete('content-length');
  if (body !== undefined) headers.set('content-length', String(body.length));
  return new Request(`https://${host}${request.uri}${query}`, {
    method: request.method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
}

function bodyOf(
  request: CloudFrontRequest,
  maxBodyBytes: number,
): Uint8Array<ArrayBuffer> | undefined {
  const { body, method } = request;
  if (body === undefined || method === 'GET' || method === 'HEAD') return undefined;
  if (body.inputTruncated) return new Uint8Array(maxBodyBytes + 1);
  const bytes = new Uint8Array(
    Buffer.from(body.data, body.encoding === 'base64' ? 'base64' : 'utf8'),
  );
  return bytes.length === 0 ? undefined : bytes;
}

/** An answer of the edge's own. */
export async function toCloudFrontResponse(answer: Response): Promise<CloudFrontResponse> {
  const headers: Record<string, string> = {};
  answer.headers.forEach((value, name) => {
    // CloudFront counts the body itself and refuses an answer that sets this.
    if (name !== 'content-length') headers[name] = value;
  });
  return {
    status: String(answer.status),
    headers: toCloudFrontHeaders(headers),
    body: await answer.text(),
    bodyEncoding: 'text',
  };
}

function toCloudFrontHeaders(headers: Readonly<Record<string, string>>): CloudFrontHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([key, value]) => [key.toLowerCase(), [{ key, value }]]),
  );
}
