import { createRoute, z } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import { answerJson, commonHeaders } from '#functions/api/http/answer.ts';
import { authenticate } from '#functions/api/http/authenticate.ts';
import type { ApiApp, ApiContext } from '#functions/api/http/context.ts';
import { ENDING_STATUSES, errorResponses } from '#functions/api/http/error-schema.ts';
import { StreamEventSchema } from '#functions/api/http/event-stream-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { finishedJob } from '#functions/api/predictions/finished-job.ts';
import { invalidInput } from '#functions/api/predictions/image-input.ts';
import { errorBody, toAppError } from '#shared/core/error-body.ts';
import type { Job } from '#shared/core/job.ts';
import { type ImagesRequest, ImagesRequestSchema, ImagesResponseSchema } from './openai-schema.ts';
import { completedEvent, presentImages } from './present-openai.ts';

/** `POST /v1/images/generations`: OpenAI's images API. */
export function registerOpenAiImages(app: ApiApp, deps: RouteDeps): void {
  const route = createRoute({
    method: 'post',
    path: '/v1/images/generations',
    summary: 'Make images as OpenAI’s API does',
    security: [{ key: [] }],
    middleware: [authenticate(deps, 'predict')],
    request: {
      headers: z.object({ 'idempotency-key': z.string().optional() }),
      body: { required: true, content: { 'application/json': { schema: ImagesRequestSchema } } },
    },
    responses: {
      200: {
        description: 'The images, or their events when stream is true',
        content: {
          'application/json': { schema: ImagesResponseSchema },
          'text/event-stream': { schema: StreamEventSchema },
        },
      },
      ...errorResponses(402, 404, 413, 415, 422, ...ENDING_STATUSES),
    },
  });

  app.openapi(route, async (c) => {
    const order = c.req.valid('json');
    const name = order.model ?? undefined;
    const model = name === undefined ? deps.catalog.models[0] : deps.catalog.resolve(name);
    if (model === undefined) {
      const names = deps.catalog.models.map((one) => one.name).join(', ');
      throw invalidInput([{ path: 'model', message: `is no model here; there is ${names}` }]);
    }
    if ((order.n ?? 1) > model.maxOutputs) {
      throw invalidInput([{ path: 'n', message: `must be at most ${model.maxOutputs}` }]);
    }
    const { job, replayed } = await deps.desk.submit(c, {
      model,
      dialect: 'openai',
      route: 'images/generations',
      input: toInput(order),
      inputPath: [],
      attachWithinMs: deps.settings.maxWaitMs + deps.settings.attachGraceMs,
    });
    // Also before a stream: it has no parts to show, and what fails is told by the status.
    const ended = await finishedJob(c, deps, job);
    if (order.stream === true) return streamImages(c, deps, ended);
    const { origin } = c.get('facts');
    const format = order.response_format ?? 'url';
    return answerJson(c, 200, await presentImages(deps, ended, format, origin), {
      'openai-processing-ms': String((ended.completedAt ?? ended.createdAt) - ended.createdAt),
      ...(replayed ? { 'idempotency-replayed': 'true' } : {}),
    });
  });
}

/** OpenAI's members as the model's input; `auto` is the model's own size. */
function toInput(order: ImagesRequest): Record<string, unknown> {
  const { n, size, output_format, output_compression, seed } = order;
  return {
    prompt: order.prompt,
    ...(typeof n === 'number' ? { num_outputs: n } : {}),
    ...(typeof size === 'string' && size !== 'auto' ? { size } : {}),
    ...(typeof output_format === 'string' ? { output_format } : {}),
    // 0 is a compression that OpenAI allows; encoders begin at 1.
    ...(typeof output_compression === 'number'
      ? { output_quality: Math.max(1, output_compression) }
      : {}),
    ...(typeof seed === 'number' ? { seed } : {}),
  };
}

/** One `image_generation.completed` per image; a failure is an event with an `error`. */
function streamImages(c: ApiContext, deps: RouteDeps, ended: Job): Response {
  for (const [name, value] of Object.entries(commonHeaders(c))) c.header(name, value);
  return streamSSE(c, async (stream) => {
    const send = (event: string, data: object) =>
      stream.writeSSE({ event, data: JSON.stringify(data) });
    try {
      for (const image of ended.images) {
        await send('image_generation.completed', await completedEvent(deps, ended, image));
      }
    } catch (thrown) {
      const error = toAppError(thrown);
      const { requestId } = c.get('facts');
      if (error.status === 500) deps.onError(thrown, requestId);
      await send('error', errorBody(error, requestId));
    }
  });
}
