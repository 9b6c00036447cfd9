import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate, callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { parsePreferWait } from '#functions/api/http/prefer.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { AppError } from '#shared/core/errors.ts';
import { isUlid, type JobId } from '#shared/core/ids.ts';
import { asStarting } from '#shared/service/domain/present-prediction.ts';
import { PredictionSchema } from './prediction-schema.ts';

/** `POST /v1/predictions/{id}/replay`: orders the same images again, from what the receipt says. */
export function registerReplay(app: ApiApp, deps: RouteDeps): void {
  const route = createRoute({
    method: 'post',
    path: '/v1/predictions/{id}/replay',
    summary: 'Make the same images again, at the price of today',
    security: [{ key: [] }],
    middleware: [authenticate(deps, 'predict')],
    request: {
      headers: z.object({
        prefer: z.string().optional().openapi({ example: 'wait=30' }),
        'idempotency-key': z.string().optional(),
      }),
      params: z.object({ id: z.string() }),
    },
    responses: {
      201: {
        description: 'The new prediction',
        content: { 'application/json': { schema: PredictionSchema } },
      },
      ...errorResponses(402, 404, 409, 410, 422, 503),
    },
  });

  app.openapi(route, async (c) => {
    const { id } = c.req.valid('param');
    const original = isUlid(id) ? await deps.jobs.get(id as JobId) : undefined;
    if (original?.account !== callerOf(c).account.id) throw notFound('prediction', id);
    if (original.input === null) {
      throw new AppError('gone', 'The input of this prediction was erased; it cannot be replayed.');
    }
    const model = deps.catalog.find(original.model.name);
    if (model?.digest !== original.model.digest) {
      throw new AppError(
        'conflict',
        `The prediction was made by version ${original.model.digest} of ${original.model.name}, which is not served any more.`,
      );
    }
    const { job, replayed } = await deps.desk.submit(c, {
      model,
      dialect: 'replicate',
      route: `replay/${id}`,
      input: { ...original.input },
      extras: { metadata: { ...original.tags } },
    });
    const waitMs = parsePreferWait(c.req.header('prefer'), deps.settings.maxWaitMs);
    const latest =
      waitMs === undefined
        ? job
        : ((await deps.watcher.waitForEnd(job, waitMs, c.req.raw.signal)) ?? job);
    const prediction = await deps.presenter.present(latest, c.get('facts').origin);
    return answerJson(c, 201, waitMs === undefined ? prediction : asStarting(prediction), {
      location: prediction.urls.get,
      ...(replayed ? { 'idempotency-replayed': 'true' } : {}),
    });
  });
}
