import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate, callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { JOB_PHASES } from '#shared/core/job.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import { createImageInputSchema, invalidInput, parseImageInput } from './image-input.ts';
import { MicroUsd } from './prediction-schema.ts';

const OrderSchema = z
  .object({
    input: z.record(z.string(), z.unknown()).describe('As for a prediction'),
    model: z.string().max(200).optional().describe('owner/name; the first model unless told'),
    version: z.string().max(200).optional(),
  })
  .openapi('EstimateOrder', {
    example: { input: { prompt: 'a lighthouse at dusk', num_outputs: 2 } },
  });

const EstimateSchema = z
  .object({
    model: z.string(),
    images: z.number().int(),
    width: z.number().int(),
    height: z.number().int(),
    price: MicroUsd.describe('The most that it will cost, in millionths of a US dollar'),
    price_per_image: MicroUsd,
    price_version: z.string(),
    balance: MicroUsd,
    affordable: z.boolean(),
    phase: z.enum(JOB_PHASES).describe('What an order would meet now'),
    jobs_ahead: z.number().int(),
    eta_seconds: z.number().int().describe('Expected time to the images'),
  })
  .openapi('Estimate');

/** `POST /v1/estimate`: price and expected time of an order, before it is paid for. */
export function registerEstimate(app: ApiApp, deps: RouteDeps): void {
  const route = createRoute({
    method: 'post',
    path: '/v1/estimate',
    summary: 'Price and expected time of an order, without ordering',
    security: [{ key: [] }],
    middleware: [authenticate(deps, 'read', 'predict')],
    request: { body: { required: true, content: { 'application/json': { schema: OrderSchema } } } },
    responses: {
      200: {
        description: 'What it would cost and take',
        content: { 'application/json': { schema: EstimateSchema } },
      },
      ...errorResponses(415, 422),
    },
  });

  app.openapi(route, async (c) => {
    const order = c.req.valid('json');
    const reference = order.version ?? order.model;
    const model =
      reference === undefined ? deps.catalog.models[0] : deps.catalog.resolve(reference);
    if (model === undefined) throw invalidInput([{ path: 'model', message: 'is no model here' }]);
    const { input } = parseImageInput(createImageInputSchema(model), model, order.input);
    const quote = deps.pricing.quote(model.name, input.width, input.height, input.num_outputs);
    const account = await deps.ledger.getAccount(callerOf(c).account.id);
    const balance = account?.balance ?? ZERO_USD;
    const forecast = await deps.estimator.forecast(model.name, input.num_outputs);
    return answerJson(c, 200, {
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
    });
  });
}
