import { type Context, Hono } from 'hono';
import { authorizationProblem, keyOfAuthorization } from '#shared/adapters/http/authorization.ts';
import { isPageVisit } from '#shared/adapters/http/page-visit.ts';
import { CORS_HEADERS, preflightHeaders } from '#shared/adapters/http/cors.ts';
import { sessionAuthorization } from '#shared/adapters/http/session-cookie.ts';
import type { Clock } from '#shared/core/clock.ts';
import { errorAnswer, errorType, toAppError } from '#shared/core/error-body.ts';
import { AppError } from '#shared/core/errors.ts';
import type { Forwarded } from '#shared/core/forwarded.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import { createUlid, type RandomBytes } from '#shared/core/ids.ts';
import { CARD_EVENTS_PATH, isPayable, PAID_PREFIX } from '#shared/core/payable-paths.ts';
import { createKeyCheck, type MacKeys } from '#shared/service/domain/key-format.ts';
import type { EdgeConfig } from './config.ts';
import { isPublicPath } from './public-paths.ts';
import { readBody } from './read-body.ts';
import { IMAGE_ADVICE, isVerifiedImage } from './verified-image.ts';

export interface EdgeDeps {
  readonly config: Pick<EdgeConfig, 'MAX_BODY_BYTES' | 'X402' | 'STRIPE'> & {
    /** For images that are to be verified. @default as for every other body */
    readonly MAX_IMAGE_BYTES?: number;
  };
  readonly macKeys: MacKeys;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /**
   * Sends the request on to the API. `bindings` is what the HTTP server or the cloud gave beside the
   * request. Where the API is another process, `edgeHeaders` carry what the edge found.
   */
  readonly forward: (
    request: Request,
    forwarded: Forwarded,
    bindings: unknown,
  ) => Response | Promise<Response>;
  /** Called with what a client sees as a bare 500. */
  readonly onError: (error: unknown, requestId: string) => void;
}

/**
 * The edge router: lets a request through only when its key's MAC is ours and its body is small,
 * without asking a store. Its answers are either its own or the API's, untouched.
 */
export function createEdgeApp(deps: EdgeDeps): Hono {
  const app = new Hono();
  const check = createKeyCheck(deps.macKeys);

  const refuse = (error: AppError, requestId: string, path = ''): Response => {
    const { status, headers, body } = errorAnswer(error, requestId);
    const all = { ...headers, ...errorType(path), ...CORS_HEADERS };
    return new Response(body, { status, headers: all });
  };

  const reject = (thrown: unknown, requestId: string): Response => {
    const error = toAppError(thrown);
    if (error.status === 500) deps.onError(thrown, requestId);
    return refuse(error, requestId);
  };

  /** At once where there is no body to read. */
  const admit = (c: Context, requestId: string): Response | Promise<Response> => {
    const { headers, method } = c.req.raw;
    const authorization = headers.get('authorization') ?? sessionAuthorization(headers);
    const isOpen =
      isPublicPath(c.req.path) ||
      isPageVisit(c.req.raw, c.req.path) ||
      isSold(method, c.req.path, authorization) ||
      (deps.config.STRIPE === '1' && method === 'POST' && c.req.path === CARD_EVENTS_PATH);
    if (!isOpen) {
      const problem = checkKey(authorization, c.req.path, check);
      if (problem !== undefined) return refuse(problem, requestId, c.req.path);
    }
    if (method === 'GET' || method === 'HEAD') {
      return deps.forward(c.req.raw, { requestId, authorization }, c.env);
    }
    const { MAX_BODY_BYTES, MAX_IMAGE_BYTES = MAX_BODY_BYTES } = deps.config;
    const isImage = isVerifiedImage(c.req.path, headers.get('content-type'));
    const reading = isImage
      ? readBody(c.req.raw, MAX_IMAGE_BYTES, IMAGE_ADVICE)
      : readBody(c.req.raw, MAX_BODY_BYTES);
    return reading.then((body) => {
      const bodySha256 = body && sha256Hex(body);
      return deps.forward(c.req.raw, { requestId, authorization, body, bodySha256 }, c.env);
    });
  };

  /** Only what has no credentials at all is sold to: a key that is wrong stays so. */
  const isSold = (method: string, path: string, authorization: string | undefined): boolean =>
    deps.config.X402 === '1' &&
    (path.startsWith(PAID_PREFIX) || (authorization === undefined && isPayable(method, path)));

  app.get('/healthz', () =>
    Response.json(
      { status: 'ok' },
      { headers: { ...CORS_HEADERS, 'cache-control': 'no-store', 'x-request-id': newId() } },
    ),
  );
  app.options(
    '*',
    (c) => new Response(null, { status: 204, headers: preflightHeaders(c.req.raw.headers) }),
  );
  app.all('*', (c) => {
    const requestId = newId();
    try {
      const answer = admit(c, requestId);
      if (!(answer instanceof Promise)) return answer;
      return answer.catch((error: unknown) => reject(error, requestId));
    } catch (error) {
      return reject(error, requestId);
    }
  });
  app.onError((error) => reject(error, newId()));
  return app;

  function newId(): string {
    return createRequestId(deps);
  }
}

/** The id by which one request is found in every log. */
export function createRequestId({ clock, randomBytes }: Pick<EdgeDeps, 'clock' | 'randomBytes'>) {
  return `req_${createUlid(clock, randomBytes)}`;
}

const WRONG_KEY = new AppError(
  'unauthenticated',
  'The API key is not one of ours. Check that it was copied whole.',
);

/** What is wrong with a request's key, without saying which part of it; undefined when nothing is. */
function checkKey(
  authorization: string | undefined,
  path: string,
  check: ReturnType<typeof createKeyCheck>,
): AppError | undefined {
  const text = keyOfAuthorization(authorization, path);
  if (text === undefined) {
    return new AppError('unauthenticated', authorizationProblem(authorization));
  }
  return check(text).ok ? undefined : WRONG_KEY;
}
