import { OpenAPIHono } from '@hono/zod-openapi';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { isTerminal } from '#shared/core/job.ts';
import { createPresenter } from '#shared/service/domain/present-prediction.ts';
import { registerAccountAccess } from './account/access-routes.ts';
import { registerAccount } from './account/account-routes.ts';
import { registerAlerts } from './account/alerts-routes.ts';
import { registerAudit } from './account/audit-routes.ts';
import { registerCredits } from './account/credits-routes.ts';
import { registerInvitations } from './account/invitation-routes.ts';
import { registerKeys } from './account/keys-routes.ts';
import { registerLedger } from './account/ledger-routes.ts';
import { registerStatement } from './account/statement-routes.ts';
import { registerUsage } from './account/usage-routes.ts';
import { registerFal } from './fal/fal-routes.ts';
import type { ApiApp, ApiHono } from './http/context.ts';
import type { ApiDeps } from './http/deps.ts';
import { createErrorHandler, rejectInvalid } from './http/errors.ts';
import { observeRequests } from './http/observe-requests.ts';
import { requestFacts } from './http/request-facts.ts';
import type { RegisterRoutes, RouteDeps } from './http/route-deps.ts';
import { unknownRoute } from './http/unknown-route.ts';
import { registerMcp } from './mcp/mcp-routes.ts';
import { registerModels } from './models/models-routes.ts';
import { registerWarm } from './models/warm-routes.ts';
import { registerOpenAiImages } from './openai/images-routes.ts';
import { registerHealth } from './operations/health-routes.ts';
import { registerStatus } from './operations/status-routes.ts';
import { registerAutoTopups } from './payments/auto-topup-routes.ts';
import { registerPaid } from './payments/paid-routes.ts';
import { registerTopups } from './payments/topup-routes.ts';
import { registerPredictionsCreate } from './predictions/create-routes.ts';
import { registerEstimate } from './predictions/estimate-routes.ts';
import { registerImages } from './predictions/images-routes.ts';
import { createPredictionIntake } from './predictions/prediction-intake.ts';
import { registerPredictions } from './predictions/predictions-routes.ts';
import { registerReplay } from './predictions/replay-routes.ts';
import { registerStreams } from './predictions/streams-routes.ts';
import { registerOpenApi } from './pages/reference/openapi-routes.ts';
import { registerReference } from './pages/reference/reference-routes.tsx';
import { registerSdapi } from './sdapi/sdapi-routes.ts';
import { registerVerify } from './verify/verify-routes.ts';
import { registerAccountHook } from './webhooks/account-hook-routes.ts';
import { registerWebhookDeliveries } from './webhooks/deliveries-routes.ts';
import { registerWebhookSecrets } from './webhooks/secrets-routes.ts';

const ROUTES: readonly RegisterRoutes[] = [
  registerHealth,
  registerPredictionsCreate,
  registerPredictions,
  registerReplay,
  registerPaid,
  registerStreams,
  registerImages,
  registerOpenAiImages,
  registerVerify,
  registerModels,
  registerWarm,
  registerAccount,
  registerAccountAccess,
  registerInvitations,
  registerAlerts,
  registerLedger,
  registerStatement,
  registerUsage,
  registerStatus,
  registerEstimate,
  registerKeys,
  registerCredits,
  registerTopups,
  registerAutoTopups,
  registerAudit,
  registerWebhookSecrets,
  registerWebhookDeliveries,
  registerAccountHook,
  registerFal,
  registerSdapi,
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
  // Hono's fastest, which refuses a path that may be two routes: "/keys/:id" beside "/keys/new".
  const app = new OpenAPIHono<ApiHono>({ defaultHook: rejectInvalid, router: new RegExpRouter() });
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key: os_live_…',
  });
  app.use(requestFacts(deps));
  if (deps.onRequest !== undefined) app.use(observeRequests(deps.clock, deps.onRequest));
  app.onError(createErrorHandler(deps));
  app.notFound((c) => unknownRoute(app, c));
  const presenter = createPresenter(deps);
  const routeDeps: RouteDeps = {
    ...deps,
    presenter,
    async present(job, origin) {
      const estimate = isTerminal(job.status) ? undefined : await deps.estimator.estimate(job);
      return presenter.present(job, origin, estimate);
    },
    intake: createPredictionIntake(deps),
  };
  for (const register of [...ROUTES, ...extras]) register(app, routeDeps);
  return app;
}
