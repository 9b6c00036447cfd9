import { createHash } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import type {
  CloudFrontRequest,
  CloudFrontResponse,
  OriginRequestEvent,
} from '#functions/edge/origin-request.ts';
import { isDisallowed } from './edge-limits.ts';

/** CloudFront hands an origin-request function at most so much of a body. */
const MAX_EDGE_BODY_BYTES = 1_048_576;
const FUNCTION_URL_HOST = 'abcdefghijklmnop.lambda-url.us-east-1.on.aws';

export interface ClientRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What CloudFront asks the edge function, for a client's request. */
export function originRequestEvent(request: ClientRequest, host: string): OriginRequestEvent {
  const [uri = '/', querystring = ''] = request.path.split('?');
  const headers = Object.entries({
    ...request.headers,
    host: FUNCTION_URL_HOST,
    via: '2.0 d111111abcdef8.cloudfront.net (CloudFront)',
    'x-forwarded-for': '127.0.0.1',
  }).filter(([name]) => !isDisallowed(name.toLowerCase()));
  return {
    Records: [
      {
        cf: {
          config: { distributionDomainName: host },
          request: {
            method: request.method,
            uri,
            querystring,
            headers: Object.fromEntries(headers.map(([key, value]) => [key, [{ key, value }]])),
            body: {
              data: request.body.subarray(0, MAX_EDGE_BODY_BYTES).toString('base64'),
              encoding: 'base64',
              inputTruncated: request.body.length > MAX_EDGE_BODY_BYTES,
              action: 'read-only',
            },
          },
        },
      },
    ],
  };
}

/** Whether the edge answered itself, and did not let the request through. */
export function isEdgeAnswer(
  result: CloudFrontRequest | CloudFrontResponse,
): result is CloudFrontResponse {
  return 'status' in result;
}

/**
 * What Lambda does with a request that CloudFront signed for the Function URL: undefined, a 403, when
 * the body is not the one that the signature speaks of; else the function's event. The client's own
 * `Authorization` is gone, overwritten by the signature.
 */
export function functionUrlEvent(passed: CloudFrontRequest, body: Buffer) {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(passed.headers)) {
    headers[name.toLowerCase()] = values.map(({ value }) => value).join(',');
  }
  const hash = createHash('sha256').update(body).digest('hex');
  if (headers['x-amz-content-sha256'] !== hash) return undefined;
  headers['authorization'] =
    'AWS4-HMAC-SHA256 Credential=ASIA/20260101/us-east-1/lambda/aws4_request';
  headers['host'] = FUNCTION_URL_HOST;
  const { cookie, ...rest } = headers;
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: passed.uri,
    rawQueryString: passed.querystring,
    headers: rest,
    ...(cookie === undefined ? {} : { cookies: cookie.split('; ') }),
    requestContext: {
      accountId: 'anonymous',
      apiId: FUNCTION_URL_HOST.split('.')[0],
      domainName: FUNCTION_URL_HOST,
      http: {
        method: passed.method,
        path: passed.uri,
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: 'request',
      routeKey: '$default',
      stage: '$default',
      time: '',
      timeEpoch: Date.now(),
    },
    ...(body.length === 0 ? {} : { body: body.toString('base64') }),
    isBase64Encoded: body.length > 0,
  };
}

export interface StreamedAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
}

/**
 * The stream that Lambda's runtime gives a function with RESPONSE_STREAM. As there, the head goes out with
 * the first `write`, even of nothing; an answer that is only ended has none.
 */
export class ResponseStream extends PassThrough {
  /** What the client sees; undefined while nothing was written. */
  head: StreamedAnswer | undefined;
  private prelude: StreamedAnswer | undefined;

  setPrelude(prelude: StreamedAnswer): void {
    this.prelude = prelude;
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    if (this.head === undefined && this.prelude !== undefined) {
      this.head = this.prelude;
      this.emit('head', this.head);
    }
    return super.write(chunk, ...(rest as []));
  }
}

/** Puts `awslambda` in place, which Lambda's runtime has as a global. */
export function installLambdaRuntime(): void {
  Object.assign(globalThis, {
    awslambda: {
      streamifyResponse: (handler: unknown) => handler,
      HttpResponseStream: {
        from(stream: ResponseStream, head: StreamedAnswer) {
          stream.setPrelude(head);
          return stream;
        },
      },
    },
  });
}

type StreamingHandler = (event: unknown, stream: ResponseStream, context: unknown) => Promise<void>;

/**
 * Calls a handler with RESPONSE_STREAM as Lambda and a Function URL do.
 * @throws when it ends without a head, of which a Function URL makes a 502
 */
export function answerOf(
  handler: StreamingHandler,
  event: unknown,
): Promise<StreamedAnswer & { readonly body: Readable }> {
  const stream = new ResponseStream();
  return new Promise((resolve, reject) => {
    stream.once('head', (head: StreamedAnswer) => resolve({ ...head, body: stream }));
    handler(event, stream, {}).then(
      () => reject(new Error('The answer has no status and no headers.')),
      reject,
    );
  });
}
