import { ModelParams } from '#functions/api/http/common-schema.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { ENDING_STATUSES } from '#functions/api/http/error-schema.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import type { CatalogModel } from '#shared/service/domain/catalog.ts';
import { answerCreated } from './answer-created.ts';
import { chooseModel } from './choose-model.ts';
import { finishedJob } from './finished-job.ts';
import { ORDER_HEADERS } from './order-headers.ts';
import {
  type CreatePrediction,
  CreatePredictionSchema,
  PREDICTION_LINKS,
  PredictionSchema,
} from './prediction-schema.ts';

/**
 * AI SDK's Replicate model takes the answer of a create for the picture and never polls: it gets the
 * prediction once that has ended, or an error that it retries.
 */
const CANNOT_POLL = /\bai-sdk\//;

const create = {
  method: 'post',
  scopes: ['predict'],
  isPayable: true,
  parameters: ORDER_HEADERS,
  body: CreatePredictionSchema,
  status: 201,
  returns: 'The prediction, as far as it has come',
  answer: PredictionSchema,
  links: PREDICTION_LINKS,
  failures: [402, 404, 413, 415, 422, ...ENDING_STATUSES],
} as const;

/** `POST /v1/predictions` and `POST /v1/models/{owner}/{name}/predictions`. */
export const registerPredictionsCreate: RegisterRoutes = (app, deps) => {
  const submit = async (
    c: ApiContext,
    model: CatalogModel,
    route: string,
    body: CreatePrediction,
  ): Promise<Response> => {
    const cannotPoll = CANNOT_POLL.test(c.req.header('user-agent') ?? '');
    const { input } = body;
    const order = { model, dialect: 'replicate', route, input, extras: body, cannotPoll } as const;
    const submitted = await deps.intake.submit(c, order);
    if (!cannotPoll) return answerCreated(c, deps, submitted);
    const job = await finishedJob(c, deps, submitted.job);
    return answerCreated(c, deps, { ...submitted, job });
  };

  jsonRoute(app, deps, {
    ...create,
    path: '/v1/predictions',
    operationId: 'createPrediction',
    summary: 'Create a prediction',
    handle(c, { body }) {
      const { version, model } = body;
      const path = version === undefined && model !== undefined ? 'model' : 'version';
      return submit(c, chooseModel(deps.catalog, version ?? model, path), 'predictions', body);
    },
  });

  jsonRoute(app, deps, {
    ...create,
    path: '/v1/models/{owner}/{name}/predictions',
    operationId: 'createModelPrediction',
    summary: 'Create a prediction with a model',
    params: ModelParams,
    handle(c, { params: { owner, name }, body }) {
      const model = deps.catalog.find(`${owner}/${name}`);
      if (model === undefined) throw notFound('model', `${owner}/${name}`);
      return submit(c, model, `predictions/${model.name}`, body);
    },
  });
};
