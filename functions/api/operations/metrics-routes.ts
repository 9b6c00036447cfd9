import { createRoute, z } from '@hono/zod-openapi';
import { commonHeaders } from '#functions/api/http/answer.ts';
import { authenticate } from '#functions/api/http/authenticate.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { assertOperator } from '#functions/api/http/target-account.ts';
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
