import type { z } from '@hono/zod-openapi';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { CORS_HEADERS } from '#shared/adapters/http/cors.ts';
import { errorAnswer, errorType } from '#shared/core/error-body.ts';
import type { AppError } from '#shared/core/errors.ts';
import { compressText } from './compress.ts';
import type { ApiContext } from './context.ts';

/**
 * A JSON answer with the headers that every answer has. Its body has the type of the schema that the
 * API's description shows; nothing is parsed here. Headers are one plain object from start to end,
 * which the HTTP server writes as it is: a `Headers` costs more than the rest of a read.
 */
export function answerJson<Schema extends z.ZodType>(
  c: ApiContext,
  status: number,
  schema: Schema,
  body: z.input<Schema>,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return answerJsonText(c, status, jsonText(schema, body), headers);
}

/** A body as text, for answers that are reused. */
export function jsonText<Schema extends z.ZodType>(_schema: Schema, body: z.input<Schema>): string {
  return JSON.stringify(body);
}

/** As {@link answerJson}, for a body that {@link jsonText} has made already. */
export function answerJsonText(
  c: ApiContext,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const all = addCommonHeaders(c, { 'content-type': 'application/json' });
  Object.assign(all, headers);
  const body = compressText(c.req.raw.headers.get('accept-encoding'), text, all);
  return new Response(body, { status, headers: all });
}

/** Server-sent events as they are written, with the headers that every answer has. */
export function answerEvents(
  c: ApiContext,
  write: (stream: SSEStreamingApi) => Promise<void>,
): Response {
  for (const [name, value] of Object.entries(commonHeaders(c))) c.header(name, value);
  return streamSSE(c, write);
}

/** The one error body, with the headers that every answer has. */
export function answerError(c: ApiContext, error: AppError): Response {
  const { status, headers, body } = errorAnswer(error, c.get('facts').requestId);
  addCommonHeaders(c, headers);
  Object.assign(headers, errorType(c.req.path));
  return new Response(body, { status, headers });
}

/** Request id, rate limit and cross-origin headers. */
export function commonHeaders(c: ApiContext): Record<string, string> {
  return addCommonHeaders(c, {});
}

function addCommonHeaders(c: ApiContext, headers: Record<string, string>): Record<string, string> {
  const { requestId, rate, caller } = c.get('facts');
  headers['x-request-id'] = requestId;
  headers['cache-control'] = 'no-store';
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
