import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate, callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiApp, ApiContext } from '#functions/api/http/context.ts';
import { entryPage } from '#functions/api/http/entry-page.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import { notFound } from '#functions/api/http/errors.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { AppError } from '#shared/core/errors.ts';
import { isUlid, type JobId } from '#shared/core/ids.ts';
import { enableEndpoint } from '#shared/service/domain/webhooks/health.ts';
import { resendWebhook } from '#shared/service/domain/webhooks/resend.ts';
import { presentDelivery, presentDeliveryLog, presentEndpoint } from './present-delivery.ts';
import { DeliveryLogSchema, DeliverySchema, EndpointSchema } from './webhook-schema.ts';

const json = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
});
const security = [{ key: [] }];
const params = z.object({ id: z.string().max(200) });

/** What was sent to whom, how it went, and sending it again. */
export function registerWebhookDeliveries(app: ApiApp, deps: RouteDeps): void {
  registerLog(app, deps);
  registerResend(app, deps);
  registerEndpoints(app, deps);
}

function registerLog(app: ApiApp, deps: RouteDeps): void {
  const middleware = [authenticate(deps, 'read', 'admin')];

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/webhooks/deliveries',
      summary: 'List webhook deliveries, newest first',
      security,
      middleware,
      request: {
        query: z.object({
          limit: z.coerce.number().int().min(1).max(100).default(50),
          cursor: z
            .string()
            .regex(/^[0-9A-Za-z_-]{1,100}$/)
            .optional(),
        }),
      },
      responses: {
        200: json(
          'A page of deliveries',
          z
            .object({ next: z.string().nullable(), results: z.array(DeliverySchema) })
            .openapi('WebhookDeliveryPage'),
        ),
        ...errorResponses(),
      },
    }),
    async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const { account } = callerOf(c);
      const entries = await deps.outbox.listByAccount(account.id, limit + 1, cursor);
      const { page, next } = entryPage(c, entries, limit);
      return answerJson(c, 200, {
        next,
        results: page.map(presentDelivery),
      });
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/webhooks/deliveries/{id}',
      summary: 'Get a webhook delivery with all its attempts',
      security,
      middleware,
      request: { params },
      responses: { 200: json('The delivery', DeliveryLogSchema), ...errorResponses(404) },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const entry = await deps.outbox.get(id);
      if (entry?.account !== callerOf(c).account.id) throw notFound('webhook delivery', id);
      return answerJson(c, 200, presentDeliveryLog(entry, await deps.outbox.attempts(id)));
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/predictions/{id}/webhooks',
      summary: 'List the webhook deliveries of a prediction with all their attempts',
      security,
      middleware,
      request: { params },
      responses: {
        200: json('Every delivery', z.object({ results: z.array(DeliveryLogSchema) })),
        ...errorResponses(404),
      },
    }),
    async (c) => {
      const job = await ownJob(c, deps, c.req.valid('param').id);
      const entries = await deps.outbox.listByJob(job.id);
      const results = await Promise.all(
        entries.map(async (entry) =>
          presentDeliveryLog(entry, await deps.outbox.attempts(entry.id)),
        ),
      );
      return answerJson(c, 200, { results });
    },
  );
}

function registerResend(app: ApiApp, deps: RouteDeps): void {
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/webhooks/deliveries/{id}/resend',
      summary: 'Send an ended webhook again, under the same webhook-id',
      security,
      middleware: [authenticate(deps, 'predict', 'admin')],
      request: { params },
      responses: { 200: json('The delivery', DeliverySchema), ...errorResponses(404, 409) },
    }),
    async (c) => {
      const entry = await resendWebhook(deps, callerOf(c).account.id, c.req.valid('param').id);
      deps.onWebhookDue?.(entry);
      return answerJson(c, 200, presentDelivery(entry));
    },
  );
}

function registerEndpoints(app: ApiApp, deps: RouteDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/webhooks/endpoints',
      summary: 'List the receivers that have failed, and those that were disabled for it',
      security,
      middleware: [authenticate(deps, 'read', 'admin')],
      responses: {
        200: json('Every receiver with a record', z.object({ results: z.array(EndpointSchema) })),
        ...errorResponses(),
      },
    }),
    async (c) => {
      const health = await deps.outbox.listHealth(callerOf(c).account.id);
      return answerJson(c, 200, { results: health.map(presentEndpoint) });
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/webhooks/endpoints/enable',
      summary: 'Call a disabled receiver again',
      security,
      middleware: [authenticate(deps, 'predict', 'admin')],
      request: {
        body: {
          required: true,
          content: {
            'application/json': {
              schema: z
                .strictObject({ url: z.string().max(2048) })
                .openapi('EnableEndpoint', { example: { url: 'https://shop.example.com/hook' } }),
            },
          },
        },
      },
      responses: { 200: json('The receiver', EndpointSchema), ...errorResponses(404, 415, 422) },
    }),
    async (c) => {
      const { url } = c.req.valid('json');
      if (!(await enableEndpoint(deps, callerOf(c).account.id, url))) {
        throw new AppError('not-found', 'No webhook to this URL has ever failed.');
      }
      return answerJson(c, 200, presentEndpoint({ url }));
    },
  );
}

async function ownJob(c: ApiContext, deps: Pick<RouteDeps, 'jobs'>, id: string) {
  const job = isUlid(id) ? await deps.jobs.get(id as JobId) : undefined;
  if (job?.account !== callerOf(c).account.id) throw notFound('prediction', id);
  return job;
}
