import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { errorResponse } from '#functions/api/http/error-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { AppError } from '#shared/core/errors.ts';

const status = {
  description: 'It is',
  content: { 'application/json': { schema: z.object({ status: z.literal('ok') }) } },
};

/** `/healthz` says that the process answers, `/readyz` that it can make images. */
export function registerHealth(app: ApiApp, deps: RouteDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/healthz',
      summary: 'Whether the service answers',
      responses: { 200: status },
    }),
    (c) => answerJson(c, 200, { status: 'ok' as const }),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/readyz',
      summary: 'Whether the stores answer and images can be made',
      responses: { 200: status, 503: errorResponse(503) },
    }),
    async (c) => {
      try {
        await deps.checkReady();
      } catch (cause) {
        throw new AppError('unavailable', 'The service is not ready.', {
          cause,
          details: { retry_after: 5 },
        });
      }
      return answerJson(c, 200, { status: 'ok' as const });
    },
  );
}
