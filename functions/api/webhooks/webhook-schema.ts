import { z } from '@hono/zod-openapi';
import { DateTime } from '#functions/api/http/common-schema.ts';
import { PredictionSchema } from '#functions/api/predictions/prediction-schema.ts';
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
    prediction: z.string(),
    event: z.enum(WEBHOOK_EVENTS),
    url: z.string(),
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
export const DeliveryDetailsSchema = DeliveryLogSchema.extend({
  body: PredictionSchema.nullable().describe(
    'What it tells, with image URLs of now; null when the prediction is gone',
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
