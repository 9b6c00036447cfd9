import { z } from '@hono/zod-openapi';
import { callerOf } from '#functions/api/http/authenticate.ts';
import { listOf, pageOf } from '#functions/api/http/common-schema.ts';
import { entryPage } from '#functions/api/http/entry-page.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { ownJob } from '#functions/api/predictions/own-job.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { jobAtEvent } from '#shared/service/domain/webhooks/events.ts';
import { enableEndpoint } from '#shared/service/domain/webhooks/health.ts';
import { resendWebhook } from '#shared/service/domain/webhooks/resend.ts';
import { presentDelivery, presentDeliveryLog, presentEndpoint } from './present-delivery.ts';
import {
  DeliveryDetailsSchema,
  DeliveryLogSchema,
  DeliverySchema,
  EnableEndpointSchema,
  EndpointSchema,
} from './webhook-schema.ts';

const EntryParams = z.object({ id: z.string().max(200) });
const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z
    .string()
    .regex(/^[0-9A-Za-z_-]{1,100}$/)
    .optional(),
});
const readers = ['read', 'admin'] as const;
const writers = ['predict', 'admin'] as const;

/** What was sent where, how it went, and sending it again. */
export const registerWebhookDeliveries: RegisterRoutes = (app, deps) => {
  const withLog = async (entry: OutboxEntry) =>
    presentDeliveryLog(entry, await deps.outbox.attempts(entry.id));

  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/webhooks/deliveries',
    operationId: 'listWebhookDeliveries',
    scopes: readers,
    summary: 'List webhook deliveries, newest first',
    query: PageQuery,
    returns: 'A page of deliveries',
    answer: pageOf(DeliverySchema).openapi('WebhookDeliveryPage'),
    async handle(c, { query }) {
      const { account } = callerOf(c);
      const { limit, cursor } = query;
      const entries = await deps.outbox.listByAccount(account.id, limit + 1, cursor);
      return entryPage(c, entries, presentDelivery, query);
    },
  });

  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/webhooks/deliveries/{id}',
    operationId: 'getWebhookDelivery',
    scopes: readers,
    summary: 'Get a webhook delivery with its attempts and body',
    params: EntryParams,
    returns: 'The delivery',
    answer: DeliveryDetailsSchema,
    failures: [404],
    async handle(c, { params: { id } }) {
      const entry = await deps.outbox.get(id);
      if (entry?.account !== callerOf(c).account.id) throw notFound('webhook delivery', id);
      const job = entry.job === undefined ? undefined : await deps.jobs.get(entry.job);
      const body = job && (await deps.present(jobAtEvent(job, entry.event), c.get('facts').origin));
      const account_event = entry.body && JSON.parse(entry.body);
      return { ...(await withLog(entry)), ...defined({ body, account_event }) };
    },
  });

  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/predictions/{id}/webhooks',
    operationId: 'listPredictionWebhooks',
    scopes: readers,
    summary: 'List a prediction’s webhook deliveries with all their attempts',
    params: EntryParams,
    returns: 'Every delivery',
    answer: listOf(DeliveryLogSchema),
    failures: [404],
    async handle(c, { params: { id } }) {
      const entries = await deps.outbox.listByJob((await ownJob(c, deps, id)).id);
      return { results: await Promise.all(entries.map(withLog)) };
    },
  });

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/webhooks/deliveries/{id}/resend',
    operationId: 'resendWebhook',
    scopes: writers,
    summary: 'Resend a finished webhook under the same webhook-id',
    params: EntryParams,
    returns: 'The delivery',
    answer: DeliverySchema,
    failures: [404, 409],
    async handle(c, { params: { id } }) {
      const entry = await resendWebhook(deps, callerOf(c).account.id, id);
      deps.onWebhookDue?.(entry);
      return presentDelivery(entry);
    },
  });

  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/webhooks/endpoints',
    operationId: 'listWebhookEndpoints',
    scopes: readers,
    summary: 'List failing and disabled receivers',
    returns: 'Every receiver with a record',
    answer: listOf(EndpointSchema),
    async handle(c) {
      const health = await deps.outbox.listHealth(callerOf(c).account.id);
      return { results: health.map(presentEndpoint) };
    },
  });

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/webhooks/endpoints/enable',
    operationId: 'enableWebhookEndpoint',
    scopes: writers,
    summary: 'Re-enable a disabled receiver',
    body: EnableEndpointSchema,
    returns: 'The receiver',
    answer: EndpointSchema,
    failures: [404, 415, 422],
    async handle(c, { body: { url } }) {
      if (!(await enableEndpoint(deps, callerOf(c).account.id, url))) {
        throw new AppError('not-found', 'No webhook to this URL has ever failed.');
      }
      return presentEndpoint({ url });
    },
  });
};
