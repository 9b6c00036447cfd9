import { z } from '@hono/zod-openapi';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { AppError } from '#shared/core/errors.ts';

const healthy = { returns: 'It is', answer: z.object({ status: z.literal('ok') }) };

/** `/healthz` says that the process answers, `/readyz` that it can make images. */
export const registerHealth: RegisterRoutes = (app, deps) => {
  jsonRoute(app, deps, {
    ...healthy,
    method: 'get',
    path: '/healthz',
    operationId: 'checkHealth',
    summary: 'Whether the service answers',
    handle: () => ({ status: 'ok' as const }),
  });

  jsonRoute(app, deps, {
    ...healthy,
    method: 'get',
    path: '/readyz',
    operationId: 'checkReadiness',
    summary: 'Whether the stores answer and images can be made',
    failures: [503],
    async handle() {
      try {
        await deps.checkReady();
      } catch {
        // Asked every few seconds while a model loads: the status says it, without a line in the log each time.
        throw new AppError('unavailable', 'The service is not ready.', {
          details: { retry_after: 5 },
        });
      }
      return { status: 'ok' as const };
    },
  });
};
