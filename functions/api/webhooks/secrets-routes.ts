import { callerOf } from '#functions/api/http/authenticate.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { toIso } from '#shared/core/clock.ts';
import { rotateWebhookSecret, webhookSecrets } from '#shared/service/domain/webhooks/secrets.ts';
import { RotatedSecretSchema, RotateSecretSchema, WebhookSecretSchema } from './webhook-schema.ts';

const HOUR_MS = 3_600_000;

/** The secret that signs the account's webhooks, and its rotation. */
export const registerWebhookSecrets: RegisterRoutes = (app, deps) => {
  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/webhooks/default/secret',
    operationId: 'getWebhookSecret',
    scopes: ['predict', 'admin'],
    summary: 'Get the secret that signs webhooks',
    returns: 'The newest secret',
    answer: WebhookSecretSchema,
    async handle(c) {
      const [key = ''] = await webhookSecrets(deps, callerOf(c).account.id, deps.clock.now());
      return { key };
    },
  });

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/webhooks/default/secret/rotate',
    operationId: 'rotateWebhookSecret',
    scopes: ['admin'],
    summary: 'Rotate the webhook secret; during the overlap both sign',
    body: RotateSecretSchema,
    bodyIsOptional: true,
    status: 201,
    returns: 'The new secret',
    answer: RotatedSecretSchema,
    failures: [409, 415, 422],
    async handle(c, { body }) {
      const now = deps.clock.now();
      const overlapMs = Math.round(body.overlap_hours * HOUR_MS);
      const { id } = callerOf(c).account;
      const key = await rotateWebhookSecret(deps, id, { now, overlapMs });
      return { key, previous_expires_at: overlapMs === 0 ? null : toIso(now + overlapMs) };
    },
  });
};
