import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate } from '#functions/api/http/authenticate.ts';
import type { ApiApp, ApiContext } from '#functions/api/http/context.ts';
import { ENDING_STATUSES, errorResponses } from '#functions/api/http/error-schema.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { parsePreferWait } from '#functions/api/http/prefer.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import type { CatalogModel } from '#shared/service/domain/catalog.ts';
import { asStarting, type PresentedPrediction } from '#shared/service/domain/present-prediction.ts';
import { finishedJob } from './finished-job.ts';
import { invalidInput } from './image-input.ts';
import { ORDER_HEADERS } from './order-headers.ts';
import {
  type CreatePrediction,
  CreatePredictionSchema,
  PredictionSchema,
} from './prediction-schema.ts';

const responses = {
  201: {
    description: 'The prediction, as far as it has come',
    content: { 'application/json': { schema: PredictionSchema } },
  },
  ...errorResponses(402, 404, 413, 415, 422, ...ENDING_STATUSES),
};

const body = {
  required: true,
  content: { 'application/json': { schema: CreatePredictionSchema } },
} as const;

/**
 * AI SDK's Replicate model takes the answer of a create for the picture and never asks again: it gets
 * the prediction when it has ended, or an error that it retries.
 */
const CANNOT_POLL = /\bai-sdk\//;

/** `POST /v1/predictions` and `POST /v1/models/{owner}/{name}/predictions`. */
export function registerPredictionsCreate(app: ApiApp, deps: RouteDeps): void {
  const middleware = [authenticate(deps, 'predict')];
  const security = [{ key: [] }];

  const create = async (
    c: ApiContext,
    model: CatalogModel,
    route: string,
    order: CreatePrediction,
  ) => {
    const cannotPoll = CANNOT_POLL.test(c.req.header('user-agent') ?? '');
    const { maxWaitMs, attachGraceMs } = deps.settings;
    const { job, replayed } = await deps.desk.submit(c, {
      model,
      dialect: 'replicate',
      route,
      input: order.input,
      extras: order,
      ...(cannotPoll ? { attachWithinMs: maxWaitMs + attachGraceMs } : {}),
    });
    const { origin } = c.get('facts');
    const answer = (body: PresentedPrediction, headers: Readonly<Record<string, string>> = {}) =>
      answerJson(c, 201, body, {
        location: body.urls.get,
        ...(replayed ? { 'idempotency-replayed': 'true' } : {}),
        ...headers,
      });
    if (cannotPoll) {
      return answer(await deps.presenter.present(await finishedJob(c, deps, job), origin));
    }
    const waitMs = parsePreferWait(c.req.header('prefer'), maxWaitMs);
    const latest =
      waitMs === undefined
        ? job
        : ((await deps.watcher.waitForEnd(job, waitMs, c.req.raw.signal)) ?? job);
    const prediction = await deps.presenter.present(latest, origin);
    return waitMs === undefined
      ? answer(prediction)
      : answer(asStarting(prediction), {
          'preference-applied': `wait=${Math.ceil(waitMs / 1000)}`,
        });
  };

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/predictions',
      summary: 'Create a prediction',
      security,
      middleware,
      parameters: ORDER_HEADERS,
      request: { body },
      responses,
    }),
    async (c) => {
      const order = c.req.valid('json');
      return create(c, resolveModel(order, deps), 'predictions', order);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/models/{owner}/{name}/predictions',
      summary: 'Create a prediction of a model',
      security,
      middleware,
      parameters: ORDER_HEADERS,
      request: {
        params: z.object({ owner: z.string(), name: z.string() }),
        body,
      },
      responses,
    }),
    async (c) => {
      const { owner, name } = c.req.valid('param');
      const model = deps.catalog.find(`${owner}/${name}`);
      if (model === undefined) throw notFound('model', `${owner}/${name}`);
      return create(c, model, `predictions/${model.name}`, c.req.valid('json'));
    },
  );
}

/** The model that an order names by version or by name; the first one when it names none. */
function resolveModel(order: CreatePrediction, { catalog }: RouteDeps): CatalogModel {
  const field = order.version === undefined && order.model !== undefined ? 'model' : 'version';
  const reference = order.version ?? order.model;
  const model = reference === undefined ? catalog.models[0] : catalog.resolve(reference);
  if (model !== undefined) return model;
  const names = catalog.models.map(({ name }) => name).join(', ');
  throw invalidInput([{ path: field, message: `is no model here; there is ${names}` }]);
}
