import type { TypedResponse } from 'hono';
import { CORS_HEADERS } from '#shared/adapters/http/cors.ts';
import { type ErrorFacts, errorAnswer } from '#shared/core/error-body.ts';
import type { ApiContext } from './context.ts';

/**
 * The router compares an answer's type with the route's schema after a round trip through JSON, which
 * it can't follow for free-form members. Bodies get their types from the schemas where they are made.
 */
type JsonAnswer<Status extends 200 | 201> = Response & TypedResponse<never, Status, 'json'>;

/**
 * A JSON answer with the headers that every answer has. Headers are one plain object from start to
 * end, which the HTTP server writes as it is: a `Headers` costs more than the rest of a read.
 */
export function answerJson<Status extends 200 | 201>(
  c: ApiContext,
  status: Status,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): JsonAnswer<Status> {
  return answerJsonText(c, status, JSON.stringify(body), headers);
}

/** As {@link answerJson}, for a body that is JSON text already. */
export function answerJsonText<Status extends 200 | 201>(
  c: ApiContext,
  status: Status,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): JsonAnswer<Status> {
  const response = new Response(text, {
    status,
    headers: { 'content-type': 'application/json', ...commonHeaders(c), ...headers },
  });
  return response as JsonAnswer<Status>;
}

/** The one error body, with the headers that every answer has. */
export function answerError(c: ApiContext, error: ErrorFacts): Response {
  const { status, headers, body } = errorAnswer(error, c.get('facts').requestId);
  return new Response(body, { status, headers: { ...commonHeaders(c), ...headers } });
}

/** Request id, rate limit and cross-origin headers. */
export function commonHeaders(c: ApiContext): Record<string, string> {
  const { requestId, rate, caller } = c.get('facts');
  const headers: Record<string, string> = {
    'x-request-id': requestId,
    'cache-control': 'no-store',
  };
  if (c.req.raw.headers.get('origin') !== null) Object.assign(headers, CORS_HEADERS);
  if (rate !== undefined && caller !== undefined) {
    const { ratePerMinute } = caller.key;
    const resetSeconds = Math.ceil(rate.retryAfterMs / 1000);
    headers['ratelimit-policy'] = `"default";q=${ratePerMinute};w=60`;
    headers['ratelimit'] = `"default";r=${rate.remaining};t=${resetSeconds}`;
    headers['ratelimit-remaining'] = String(rate.remaining);
    headers['ratelimit-reset'] = String(resetSeconds);
  }
  return headers;
}
