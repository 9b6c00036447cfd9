import { OpenAPIHono } from '@hono/zod-openapi';
import { createPresenter } from '#shared/domain/present-prediction.ts';
import type { ApiApp, ApiHono } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { createErrorHandler, rejectInvalid } from './errors.ts';
import { observeRequests } from './observe-requests.ts';
import { requestFacts } from './request-facts.ts';
import type { RegisterRoutes, RouteDeps } from './route-deps.ts';
import { registerAccount } from './routes/account.ts';
import { registerAudit } from './routes/audit.ts';
import { registerCredits } from './routes/credits.ts';
import { registerEstimate } from './routes/estimate.ts';
import { registerFal } from './routes/fal.ts';
import { registerHealth } from './routes/health.ts';
import { registerImages } from './routes/images.ts';
import { registerKeys } from './routes/keys.ts';
import { registerLedger } from './routes/ledger.ts';
import { registerMcp } from './routes/mcp.ts';
import { registerModels } from './routes/models.ts';
import { registerOpenAiImages } from './routes/openai-images.ts';
import { registerOpenApi } from './routes/openapi.ts';
import { registerPredictions } from './routes/predictions.ts';
import { registerPredictionsCreate } from './routes/predictions-create.ts';
import { registerReference } from './routes/reference.tsx';
import { registerReplay } from './routes/replay.ts';
import { registerStatus } from './routes/status.ts';
import { registerStreams } from './routes/streams.ts';
import { registerUsage } from './routes/usage.ts';
import { registerVerify } from './routes/verify.ts';
import { registerWebhookDeliveries } from './routes/webhook-deliveries.ts';
import { registerWebhookSecrets } from './routes/webhook-secrets.ts';
import { createOrderDesk } from './submit-order.ts';
import { unknownRoute } from './unknown-route.ts';

const ROUTES: readonly RegisterRoutes[] = [
  registerHealth,
  registerPredictionsCreate,
  registerPredictions,
  registerReplay,
  registerStreams,
  registerImages,
  registerOpenAiImages,
  registerVerify,
  registerModels,
  registerAccount,
  registerLedger,
  registerUsage,
  registerStatus,
  registerEstimate,
  registerKeys,
  registerCredits,
  registerAudit,
  registerWebhookSecrets,
  registerWebhookDeliveries,
  registerFal,
  registerMcp,
  registerOpenApi,
  registerReference,
];

/**
 * The API as one Hono app, the same on Lambda and in the embedded server.
 *
 * @param extras routes that only some deployments have, such as files of a local folder
 */
export function createApiApp(deps: ApiDeps, extras: readonly RegisterRoutes[] = []): ApiApp {
  const app = new OpenAPIHono<ApiHono>({ defaultHook: rejectInvalid });
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key: os_live_…',
  });
  app.use(requestFacts(deps));
  if (deps.onRequest !== undefined) app.use(observeRequests(deps.clock, deps.onRequest));
  app.onError(createErrorHandler(deps));
  app.notFound((c) => unknownRoute(app, c));
  const routeDeps: RouteDeps = {
    ...deps,
    presenter: createPresenter(deps),
    desk: createOrderDesk(deps),
  };
  for (const register of [...ROUTES, ...extras]) register(app, routeDeps);
  return app;
}
