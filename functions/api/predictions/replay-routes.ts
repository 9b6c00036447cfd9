import { z } from '@hono/zod-openapi';
import { IdParams } from '#functions/api/http/common-schema.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { AppError } from '#shared/core/errors.ts';
import { answerCreated } from './answer-created.ts';
import { ownJob } from './own-job.ts';
import { PredictionSchema } from './prediction-schema.ts';

/** `POST /v1/predictions/{id}/replay`: makes the same images again, from what the receipt says. */
export const registerReplay: RegisterRoutes = (app, deps) =>
  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/predictions/{id}/replay',
    operationId: 'replayPrediction',
    scopes: ['predict'],
    summary: 'Make the same images again, at today’s price',
    headers: z.object({
      prefer: z.string().optional().openapi({ example: 'wait=30' }),
      'idempotency-key': z.string().optional(),
    }),
    params: IdParams,
    status: 201,
    returns: 'The new prediction',
    answer: PredictionSchema,
    failures: [402, 404, 409, 410, 422, 503],
    async handle(c, { params: { id } }) {
      const original = await ownJob(c, deps, id);
      const { input, tags } = original;
      const { name, digest } = original.model;
      if (input === null) {
        const problem = 'The input of this prediction was erased; it cannot be replayed.';
        throw new AppError('gone', problem);
      }
      const model = deps.catalog.find(name);
      if (model?.digest !== digest) {
        const problem = `The prediction was made by version ${digest} of ${name}, which is no longer served.`;
        throw new AppError('conflict', problem);
      }
      const submitted = await deps.intake.submit(c, {
        model,
        dialect: 'replicate',
        route: `replay/${id}`,
        input: { ...input },
        extras: { metadata: { ...tags } },
      });
      return answerCreated(c, deps, submitted);
    },
  });
