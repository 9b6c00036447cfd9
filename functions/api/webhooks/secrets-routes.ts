import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate, callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { toIso } from '#shared/core/clock.ts';
import { rotateWebhookSecret, webhookSecrets } from '#shared/service/domain/webhooks/secrets.ts';
import { RotatedSecretSchema, WebhookSecretSchema } from './webhook-schema.ts';

const HOUR_MS = 3_600_000;
const DEFAULT_OVERLAP_HOURS = 24;

const RotateSchema = z
  .strictObject({
    overlap_hours: z
      .number()
      .min(0)
      .max(24 * 30)
      .default(DEFAULT_OVERLAP_HOURS)
      .describe('How long the old secret signs beside the new one'),
  })
  .openapi('RotateWebhookSecret', { example: { overlap_hours: 24 } });

/** The secret that signs the account's webhooks, and its rotation. */
export function registerWebhookSecrets(app: ApiApp, deps: RouteDeps): void {
  const security = [{ key: [] }];

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/webhooks/default/secret',
      summary: 'Get the secret that signs webhooks',
      security,
      middleware: [authenticate(deps, 'predict', 'admin')],
      responses: {
        200: {
          description: 'The newest secret',
          content: { 'application/json': { schema: WebhookSecretSchema } },
        },
        ...errorResponses(),
      },
    }),
    async (c) => {
      const [key = ''] = await webhookSecrets(deps, callerOf(c).account.id, deps.clock.now());
      return answerJson(c, 200, { key });
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/webhooks/default/secret/rotate',
      summary: 'Make a new webhook secret; the old one signs beside it for a while',
      security,
      middleware: [authenticate(deps, 'admin')],
      request: {
        body: { required: false, content: { 'application/json': { schema: RotateSchema } } },
      },
      responses: {
        201: {
          description: 'The new secret',
          content: { 'application/json': { schema: RotatedSecretSchema } },
        },
        ...errorResponses(409, 415, 422),
      },
    }),
    async (c) => {
      const now = deps.clock.now();
      const { overlap_hours = DEFAULT_OVERLAP_HOURS } = c.req.valid('json');
      const overlapMs = Math.round(overlap_hours * HOUR_MS);
      const { id } = callerOf(c).account;
      const key = await rotateWebhookSecret(deps, id, { now, overlapMs });
      return answerJson(c, 201, {
        key,
        previous_expires_at: overlapMs === 0 ? null : toIso(now + overlapMs),
      });
    },
  );
}
