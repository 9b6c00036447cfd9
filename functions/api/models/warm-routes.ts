import { z } from '@hono/zod-openapi';
import { DateTime, ModelParams } from '#functions/api/http/common-schema.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { assertOperator } from '#functions/api/http/target-account.ts';
import { toIso } from '#shared/core/clock.ts';

const MINUTE_MS = 60_000;

const WarmBodySchema = z
  .strictObject({
    minutes: z
      .number()
      .int()
      .min(1)
      .max(720)
      .default(15)
      .describe('How long an instance is kept, with orders or without'),
  })
  .openapi('WarmModel', { example: { minutes: 60 } });

const WarmSchema = z
  .object({
    model: z.string(),
    state: z.enum(['awake', 'waking']),
    ready_in_seconds: z.number().int().describe('Expected, from the last times it was woken'),
    warm_until: DateTime.nullable().describe('null where models are always loaded'),
  })
  .openapi('Warm');

/** `POST /v1/models/{owner}/{name}/warm`: the operator wakes a model before it is needed. */
export const registerWarm: RegisterRoutes = (app, deps) =>
  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/models/{owner}/{name}/warm',
    operationId: 'warmModel',
    scopes: ['admin'],
    summary: 'Wake a model and keep it awake for some minutes. For the operator',
    params: ModelParams,
    body: WarmBodySchema,
    bodyIsOptional: true,
    returns: 'When it will be ready',
    answer: WarmSchema,
    failures: [404, 415, 422, 503],
    async handle(c, { params: { owner, name }, body: { minutes } }) {
      assertOperator(c, deps);
      const model = deps.catalog.find(`${owner}/${name}`);
      if (model === undefined) throw notFound('model', `${owner}/${name}`);
      const warmed = await deps.warmModel?.(model.name, minutes * MINUTE_MS);
      return {
        model: model.name,
        state: warmed?.state ?? 'awake',
        ready_in_seconds: Math.ceil((warmed?.readyInMs ?? 0) / 1000),
        warm_until: warmed === undefined ? null : toIso(warmed.warmUntil),
      };
    },
  });
