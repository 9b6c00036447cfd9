import { callerOf } from '#functions/api/http/authenticate.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import { chooseModel } from './choose-model.ts';
import { EstimateOrderSchema, EstimateSchema } from './estimate-schema.ts';
import { imageInputSchema, parseImageInput } from './image-input.ts';

/** `POST /v1/estimate`: price and expected time of an order, before it is paid for. */
export const registerEstimate: RegisterRoutes = (app, deps) =>
  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/estimate',
    operationId: 'estimate',
    scopes: ['read', 'predict'],
    summary: 'Estimate the price and time of an order without placing it',
    body: EstimateOrderSchema,
    returns: 'What it would cost and take',
    answer: EstimateSchema,
    failures: [415, 422],
    async handle(c, { body }) {
      const model = chooseModel(deps.catalog, body.version ?? body.model);
      const { input } = parseImageInput(imageInputSchema(model), model, body.input);
      const quote = deps.pricing.quote(model.name, input);
      const account = await deps.ledger.getAccount(callerOf(c).account.id);
      const balance = account?.balance ?? ZERO_USD;
      const forecast = await deps.estimator.forecast(model.name, input.num_outputs);
      return {
        model: model.name,
        images: input.num_outputs,
        width: input.width,
        height: input.height,
        price: quote.total,
        price_per_image: quote.perImage,
        price_version: quote.version,
        balance,
        affordable: balance >= quote.total,
        phase: forecast.phase,
        jobs_ahead: forecast.jobsAhead,
        eta_seconds: forecast.etaSeconds,
      };
    },
  });
