import { z } from '@hono/zod-openapi';
import { errorBody } from '#shared/core/error-body.ts';
import { AppError, type ErrorCode } from '#shared/core/errors.ts';

const ProblemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    request_id: z.string(),
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string(),
    }),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem');

const EXAMPLES: Partial<Record<number, [ErrorCode, string]>> = {
  400: ['invalid-json', 'The body is not valid JSON.'],
  401: ['unauthenticated', 'There is no such API key.'],
  402: ['insufficient-funds', 'This costs $0.004 and the balance is $0.00. Top up to continue.'],
  403: ['permission-denied', 'This API key has no "admin" scope.'],
  404: ['not-found', 'There is no prediction "01h…".'],
  406: ['not-acceptable', 'This route answers with image/png, image/jpeg or image/webp.'],
  409: ['conflict', 'The prediction has not ended. Cancel it first.'],
  410: ['gone', 'The input of this prediction was erased; it cannot be replayed.'],
  413: ['payload-too-large', 'The body is larger than 65536 bytes.'],
  415: ['unsupported-media-type', 'Send the body as JSON.'],
  422: ['invalid-input', 'input.width: must be a number'],
  429: ['rate-limited', 'This API key may make 600 requests a minute. Try again in 1 s.'],
  499: ['canceled', 'The prediction was cancelled.'],
  500: ['model-error', 'The image could not be made'],
  503: ['model-loading', 'The model is still loading. Try again in 20 s.'],
  504: ['deadline-exceeded', 'The prediction took too long'],
};

/** Statuses of a route that answers once its prediction has ended. */
export const ENDING_STATUSES = [410, 499, 500, 503, 504] as const;

/** Statuses that any route behind a key can answer with. */
const ALWAYS = [400, 401, 403, 429] as const;

/** The `responses` of a route behind a key for its failures. */
export function keyErrorResponses(...statuses: readonly number[]) {
  return errorResponses(...ALWAYS, ...statuses);
}

/** The `responses` of a route for these failures, each with an example of the one error body. */
export function errorResponses(...statuses: readonly number[]) {
  return Object.fromEntries(statuses.map((status) => [status, errorResponse(status)]));
}

function errorResponse(status: number) {
  const [code, message] = EXAMPLES[status] ?? ['internal-error', ''];
  const example = errorBody(new AppError(code, message), 'req_01jd3k8v7m0000000000000000');
  return {
    description: example.title,
    content: { 'application/problem+json': { schema: ProblemSchema, example } },
  };
}
