import { defined } from '#shared/core/defined.ts';
import { BODY_SHA256_HEADER, type Forwarded } from '#shared/core/forwarded.ts';
import { EDGE_HEADERS, edgeHeaders } from './edge-headers.ts';
import { isVerifiedImage, SHOWN_BYTES } from './verified-image.ts';

type CloudFrontHeaders = Record<string, { key?: string; value: string }[]>;

/** The part of CloudFront's request that an origin-request function sees and may change. */
export interface CloudFrontRequest {
  readonly clientIp?: string;
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
 * unchanged and the edge's headers; anything else is answered here. Of a larger body CloudFront shows a part:
 * an image that is to be verified passes by the digest that the client gives, which Lambda compares with the
 * body; any other is too large whatever its length says.
 */
export function createOriginRequestHandler(deps: {
  readonly fetch: (request: Request, passage: Passage) => Response | Promise<Response>;
  /** For a request that can't be made into a `Request`. */
  readonly answerUnreadable: () => Response;
  readonly publicHost?: string;
  /** Whether the API is told where requests come from. */
  readonly tellsAddress?: boolean;
}) {
  return async (event: OriginRequestEvent): Promise<CloudFrontRequest | CloudFrontResponse> => {
    const [{ cf }] = event.Records;
    const { request } = cf;
    const host = deps.publicHost ?? cf.config.distributionDomainName;
    const claimed = claimedDigest(request);
    const readable = readRequest(claimed === undefined ? request : withoutBody(request), host);
    if (readable === undefined) return toCloudFrontResponse(deps.answerUnreadable());
    const passage: Passage = {};
    const answer = await deps.fetch(readable, passage);
    if (passage.forwarded === undefined) return toCloudFrontResponse(answer);
    // The rest stays unchanged: CloudFront fails a request whose read-only headers were touched.
    const client = Object.entries(request.headers).filter(
      ([name]) => !EDGE_HEADERS.has(name.toLowerCase()),
    );
    const forwarded = { ...passage.forwarded, ...defined({ bodySha256: claimed }) };
    const address = deps.tellsAddress === true ? request.clientIp : undefined;
    const ours = toCloudFrontHeaders(edgeHeaders(forwarded, host, address));
    return { ...request, headers: { ...Object.fromEntries(client), ...ours } };
  };
}

/** The digest that a client gives of an image which CloudFront cut off. */
function claimedDigest({ body, uri, headers }: CloudFrontRequest): string | undefined {
  const [type] = headers['content-type'] ?? [];
  const [digest] = headers[BODY_SHA256_HEADER] ?? [];
  const isCut = body?.inputTruncated === true && isVerifiedImage(uri, type?.value);
  return isCut && /^[0-9a-f]{64}$/.test(digest?.value ?? '') ? digest?.value : undefined;
}

function withoutBody({ body: _, ...request }: CloudFrontRequest): CloudFrontRequest {
  return request;
}

function readRequest(request: CloudFrontRequest, host: string): Request | undefined {
  try {
    return toRequest(request, host);
  } catch {
    return undefined;
  }
}

function toRequest(request: CloudFrontRequest, host: string): Request {
  const query = request.querystring === '' ? '' : `?${request.querystring}`;
  const headers = new Headers();
  for (const [name, values] of Object.entries(request.headers)) {
    for (const { value } of values) headers.append(name, value);
  }
  const body = bodyOf(request);
  // The length is counted again: the body that the client announced may have been cut.
  headers.delete('content-length');
  if (body !== undefined) headers.set('content-length', String(body.length));
  return new Request(`https://${host}${request.uri}${query}`, {
    method: request.method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
}

function bodyOf(request: CloudFrontRequest): Uint8Array<ArrayBuffer> | undefined {
  const { body, method } = request;
  if (body === undefined || method === 'GET' || method === 'HEAD') return undefined;
  if (body.inputTruncated) return new Uint8Array(SHOWN_BYTES + 1);
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
