import { z } from '@hono/zod-openapi';
import { commonHeaders } from '#functions/api/http/answer.ts';
import { apiRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { assertOperator } from '#functions/api/http/target-account.ts';
import type { Metrics } from '#shared/adapters/metrics/metrics.ts';

/** `GET /metrics` for Prometheus, where one process sees everything. */
export function metricsRoute(metrics: Pick<Metrics, 'text' | 'contentType'>): RegisterRoutes {
  return (app, deps) =>
    apiRoute(app, deps, {
      method: 'get',
      path: '/metrics',
      operationId: 'getMetrics',
      scopes: ['admin'],
      summary: 'Figures for Prometheus: queue, stages, money, webhooks. For the operator',
      responses: {
        200: { description: 'The text format', content: { 'text/plain': { schema: z.string() } } },
      },
      async handle(c) {
        assertOperator(c, deps);
        const headers = { ...commonHeaders(c), 'content-type': metrics.contentType };
        return c.text(await metrics.text(), 200, headers);
      },
    });
}
