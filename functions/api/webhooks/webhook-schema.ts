import { z } from '@hono/zod-openapi';
import { DateTime, MicroUsd } from '#functions/api/http/common-schema.ts';
import { PredictionSchema } from '#functions/api/predictions/prediction-schema.ts';
import { ACCOUNT_EVENTS, DEFAULT_LOW_BALANCE } from '#shared/core/account-hook.ts';
import { WEBHOOK_EVENTS } from '#shared/core/job.ts';

export const WebhookSecretSchema = z
  .object({ key: z.string().openapi({ example: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD' }) })
  .openapi('WebhookSecret');

export const RotatedSecretSchema = z
  .object({
    key: z.string().describe('The new secret'),
    previous_expires_at: DateTime.nullable().describe('Until then the old one signs too'),
  })
  .openapi('RotatedWebhookSecret');
export type RotatedSecret = z.output<typeof RotatedSecretSchema>;

const DEFAULT_OVERLAP_HOURS = 24;

export const RotateSecretSchema = z
  .strictObject({
    overlap_hours: z
      .number()
      .min(0)
      .max(24 * 30)
      .default(DEFAULT_OVERLAP_HOURS)
      .describe('How long the old secret signs beside the new one'),
  })
  .openapi('RotateWebhookSecret', { example: { overlap_hours: DEFAULT_OVERLAP_HOURS } });

export const DeliverySchema = z
  .object({
    id: z.string().describe('The webhook-id that the receiver sees, the same on every attempt'),
    prediction: z.string().nullable().describe('Null for an event of the account itself'),
    event: z.enum([...WEBHOOK_EVENTS, ...ACCOUNT_EVENTS, 'test']),
    url: z.string().describe('Empty once the prediction is erased and the webhook is over'),
    status: z.enum(['pending', 'delivered', 'abandoned']),
    attempts: z.number().int(),
    created_at: DateTime,
    next_attempt_at: DateTime.nullable(),
    delivered_at: DateTime.nullable(),
    abandoned_at: DateTime.nullable(),
  })
  .openapi('WebhookDelivery');
export type Delivery = z.output<typeof DeliverySchema>;

export const DeliveryLogSchema = DeliverySchema.extend({
  log: z.array(
    z.object({
      number: z.number().int(),
      at: DateTime,
      duration_ms: z.number(),
      status: z.number().int().nullable().describe('What the receiver answered'),
      failure: z.string().nullable().openapi({ example: 'timeout' }),
    }),
  ),
}).openapi('WebhookDeliveryLog');
/** The body of an account's event, after Standard Webhooks. */
export const AccountEventSchema = z
  .object({
    type: z.enum([...ACCOUNT_EVENTS, 'test']),
    timestamp: DateTime,
    data: z.record(z.string(), z.unknown()),
  })
  .openapi('AccountEvent');

export const DeliveryDetailsSchema = DeliveryLogSchema.extend({
  body: PredictionSchema.optional().describe(
    'The prediction that it tells of, with image URLs of now; absent when that is gone',
  ),
  account_event: AccountEventSchema.optional().describe(
    'The event of the account that it tells of',
  ),
}).openapi('WebhookDeliveryDetails');
export type DeliveryDetails = z.output<typeof DeliveryDetailsSchema>;

export const EndpointSchema = z
  .object({
    url: z.string(),
    failing_since: DateTime.nullable(),
    disabled_at: DateTime.nullable(),
    disabled_reason: z.enum(['gone', 'failing']).nullable(),
  })
  .openapi('WebhookEndpoint');
export type Endpoint = z.output<typeof EndpointSchema>;

export const EnableEndpointSchema = z
  .strictObject({ url: z.string().max(2048) })
  .openapi('EnableEndpoint', { example: { url: 'https://shop.example.com/hook' } });

const Url = z.string().max(2048).describe('An https URL that the service can reach');

export const AccountHookSchema = z
  .object({
    url: z.string(),
    events: z.array(z.enum(ACCOUNT_EVENTS)).readonly(),
    low_balance: MicroUsd.describe('`balance.low` is sent when less than this can be spent'),
  })
  .openapi('AccountWebhook');

export const SetAccountHookSchema = z
  .strictObject({
    url: Url,
    events: z
      .array(z.enum(ACCOUNT_EVENTS))
      .min(1)
      .optional()
      .describe("All that the account may have, if absent; `ledger.mismatch` is the operator's"),
    low_balance: MicroUsd.default(DEFAULT_LOW_BALANCE),
  })
  .openapi('SetAccountWebhook', {
    example: { url: 'https://shop.example.com/account', low_balance: 5_000_000 },
  });

export const TestWebhookSchema = z
  .strictObject({ url: Url.optional().describe("The account's webhook, if absent") })
  .openapi('TestWebhook', { example: { url: 'https://shop.example.com/hook' } });
