import { type RouteConfig, z } from '@hono/zod-openapi';
import { DateTime, ModelParams } from '#functions/api/http/common-schema.ts';
import { ENDING_STATUSES, keyErrorResponses } from '#functions/api/http/error-schema.ts';
import { FalInputSchema } from './fal-input.ts';

export const FalStatusSchema = z
  .object({
    status: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']),
    request_id: z.string(),
    queue_position: z.number().int().optional(),
    response_url: z.string(),
    status_url: z.string(),
    cancel_url: z.string(),
    logs: z
      .array(
        z.object({
          message: z.string(),
          level: z.literal('INFO'),
          source: z.literal('USER'),
          timestamp: DateTime,
        }),
      )
      .optional(),
    metrics: z.object({ inference_time: z.number().describe('Seconds') }).optional(),
    error: z.string().optional(),
    error_type: z.string().optional(),
  })
  .openapi('FalStatus');

export const FalResultSchema = z
  .object({
    images: z.array(
      z.object({
        url: z.string(),
        content_type: z.string(),
        file_name: z.string(),
        file_size: z.number().int(),
        width: z.number().int(),
        height: z.number().int(),
      }),
    ),
    timings: z.object({ inference: z.number() }),
    seed: z.number().int(),
    has_nsfw_concepts: z.array(z.boolean()),
    prompt: z.string(),
    cost: z.number().int().describe('Millionths of a US dollar'),
  })
  .openapi('FalResult');

export const FalCancelSchema = z.object({ status: z.literal('CANCELLATION_REQUESTED') });
export const FalEndedSchema = z.object({ status: z.literal('ALREADY_COMPLETED') });

const request = ModelParams.extend({ id: z.string() });
const input = {
  required: true,
  content: { 'application/json': { schema: FalInputSchema } },
} as const;
const json = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
});
const security = [{ key: [] }];

/** fal's client reads an error only when it is called `application/json`; the body is the same. */
function falErrors(...statuses: readonly number[]) {
  return Object.fromEntries(
    Object.entries(keyErrorResponses(...statuses)).map(([status, response]) => {
      const { content } = response;
      const body = content['application/problem+json'];
      return [status, { ...response, content: { ...content, 'application/json': body } }];
    }),
  );
}

/** fal's routes for the API's description; they share handlers that take targets, not patterns. */
export const FAL_ROUTES: readonly RouteConfig[] = [
  {
    method: 'post',
    path: '/fal/{owner}/{name}',
    operationId: 'falRun',
    summary: 'Make images as fal.run does, and wait for them',
    security,
    request: { params: ModelParams, body: input },
    responses: {
      200: json('The images', FalResultSchema),
      ...falErrors(402, 404, 413, 422, ...ENDING_STATUSES),
    },
  },
  {
    method: 'post',
    path: '/fal/queue/{owner}/{name}',
    operationId: 'falSubmit',
    summary: 'Submit a request as you would to queue.fal.run',
    security,
    request: { params: ModelParams, body: input },
    responses: { 200: json('The request', FalStatusSchema), ...falErrors(402, 404, 413, 422, 503) },
  },
  {
    method: 'get',
    path: '/fal/queue/{owner}/{name}/requests/{id}/status',
    operationId: 'falGetStatus',
    summary: 'Get the status of a request; /status/stream sends it as events',
    security,
    request: { params: request },
    responses: { 200: json('The status', FalStatusSchema), ...falErrors(404) },
  },
  {
    method: 'get',
    path: '/fal/queue/{owner}/{name}/requests/{id}',
    operationId: 'falGetResult',
    summary: 'Get the result of a completed request',
    security,
    request: { params: request },
    responses: {
      200: json('The images', FalResultSchema),
      ...falErrors(404, 422, ...ENDING_STATUSES),
    },
  },
  {
    method: 'put',
    path: '/fal/queue/{owner}/{name}/requests/{id}/cancel',
    operationId: 'falCancel',
    summary: 'Cancel a request',
    security,
    request: { params: request },
    responses: {
      202: json('It will be', FalCancelSchema),
      ...falErrors(404),
      400: json('It has ended', FalEndedSchema),
    },
  },
  {
    method: 'post',
    path: '/fal/proxy',
    operationId: 'falProxy',
    summary: 'The proxyUrl for fal’s client; the target named in the header is read, never called',
    security,
    request: {
      headers: z.object({
        'x-fal-target-url': z.url().openapi({ example: 'https://fal.run/onestep/demo' }),
      }),
      body: { required: false, content: { 'application/json': { schema: FalInputSchema } } },
    },
    responses: {
      200: json('What the target would answer', z.record(z.string(), z.unknown())),
      ...falErrors(402, 404, 413, 422, ...ENDING_STATUSES),
    },
  },
];
