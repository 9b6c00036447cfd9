import { createRoute, z } from '@hono/zod-openapi';
import { commonHeaders } from '#functions/api/answer.ts';
import { authenticate } from '#functions/api/authenticate.ts';
import type { ApiApp } from '#functions/api/context.ts';
import type { RouteDeps } from '#functions/api/route-deps.ts';
import { errorResponses } from '#functions/api/schemas/error.ts';
import { assertOperator } from '#functions/api/target-account.ts';
import type { Metrics } from '#shared/adapters/metrics/metrics.ts';

/** `GET /metrics` for Prometheus, where one process sees everything. */
export function metricsRoute(metrics: Pick<Metrics, 'text' | 'contentType'>) {
  return (app: ApiApp, deps: RouteDeps): void => {
    const route = createRoute({
      method: 'get',
      path: '/metrics',
      summary: 'Figures for Prometheus: queue, stages, money, webhooks. For the operator',
      security: [{ key: [] }],
      middleware: [authenticate(deps, 'admin')],
      responses: {
        200: {
          description: 'The text format',
          content: { 'text/plain': { schema: z.string() } },
        },
        ...errorResponses(),
      },
    });
    app.openapi(route, async (c) => {
      assertOperator(c, deps);
      const headers = { ...commonHeaders(c), 'content-type': metrics.contentType };
      return c.text(await metrics.text(), 200, headers);
    });
  };
}
