import { z } from '@hono/zod-openapi';
import { answerEvents, answerJson } from '#functions/api/http/answer.ts';
import { StreamEventSchema } from '#functions/api/http/common-schema.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { ENDING_STATUSES } from '#functions/api/http/error-schema.ts';
import { invalidInput, reported } from '#functions/api/http/errors.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes, RouteDeps } from '#functions/api/http/route-deps.ts';
import { chooseModel } from '#functions/api/predictions/choose-model.ts';
import { finishedJob } from '#functions/api/predictions/finished-job.ts';
import { defined } from '#shared/core/defined.ts';
import { errorBody } from '#shared/core/error-body.ts';
import type { Job } from '#shared/core/job.ts';
import { type ImagesRequest, ImagesRequestSchema, ImagesResponseSchema } from './openai-schema.ts';
import { openAiSize } from './openai-size.ts';
import { completedEvent, presentImages } from './present-openai.ts';

/** `POST /v1/images/generations`: OpenAI's images API. */
export const registerOpenAiImages: RegisterRoutes = (app, deps) =>
  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/images/generations',
    operationId: 'generateImages',
    scopes: ['predict'],
    summary: 'Make images as OpenAI’s API does',
    headers: z.object({ 'idempotency-key': z.string().optional() }),
    body: ImagesRequestSchema,
    returns: 'The images, or their events when stream is true',
    answer: ImagesResponseSchema,
    alsoAs: { 'text/event-stream': { schema: StreamEventSchema } },
    failures: [402, 404, 413, 415, 422, ...ENDING_STATUSES],
    async handle(c, { body }) {
      const model = chooseModel(deps.catalog, body.model);
      if ((body.n ?? 1) > model.maxOutputs) {
        throw invalidInput([{ path: 'n', message: `must be at most ${model.maxOutputs}` }]);
      }
      const size = openAiSize(body.size, model);
      const submitted = await deps.intake.submit(c, {
        model,
        dialect: 'openai',
        route: 'images/generations',
        input: toInput(body, size.pixels),
        inputPath: [],
        cannotPoll: true,
      });
      // Before a stream as well: there are no partial images to show, and a failure needs its status.
      const job = await finishedJob(c, deps, submitted.job);
      if (body.stream === true) return streamImages(c, deps, job);
      const format =
        body.response_format ?? (GPT_IMAGE.test(body.model ?? '') ? 'b64_json' : 'url');
      const images = await presentImages(deps, job, format, c.get('facts').origin);
      const warnings = [...size.warnings, ...images.warnings];
      return answerJson(
        c,
        200,
        ImagesResponseSchema,
        { ...images, warnings },
        {
          'openai-processing-ms': String((job.completedAt ?? job.createdAt) - job.createdAt),
          ...submitted.replayHeaders,
        },
      );
    },
  });

/** OpenAI's newer models answer with bytes unless told otherwise, and their clients read nothing else. */
const GPT_IMAGE = /^(chat)?gpt-image/;

/** OpenAI's members as the model's input. */
function toInput(order: ImagesRequest, size: string | undefined): Record<string, unknown> {
  const { output_compression: quality } = order;
  return defined({
    prompt: order.prompt,
    num_outputs: order.n ?? undefined,
    size,
    output_format: order.output_format ?? undefined,
    // 0 is a compression that OpenAI allows; encoders begin at 1.
    output_quality: typeof quality === 'number' ? Math.max(1, quality) : undefined,
    seed: order.seed ?? undefined,
  });
}

/** One `image_generation.completed` per image; a failure is an event with an `error`. */
function streamImages(c: ApiContext, deps: RouteDeps, ended: Job): Response {
  return answerEvents(c, async (stream) => {
    const send = (event: string, data: object) =>
      stream.writeSSE({ event, data: JSON.stringify(data) });
    try {
      for (const image of ended.images) {
        await send('image_generation.completed', await completedEvent(deps, ended, image));
      }
    } catch (thrown) {
      await send('error', errorBody(reported(c, deps, thrown), c.get('facts').requestId));
    }
  });
}
