import { z } from '@hono/zod-openapi';
import { DateTime, MicroUsd } from '#functions/api/http/common-schema.ts';
import { MICRO_USD_PER_CENT } from '#shared/service/domain/topups/card-events.ts';

/** A dollar: less costs more than it brings. */
const LEAST = 1_000_000;
const MOST = 10_000_000_000;

const WholeCents = z
  .number()
  .int()
  .min(LEAST)
  .max(MOST)
  .multipleOf(MICRO_USD_PER_CENT, 'must be whole cents: a multiple of 10000');

export const TopupRequestSchema = z
  .strictObject({
    amount: WholeCents.describe('Micro-USD, in whole cents'),
    save_card: z.boolean().default(false).describe('Keep the card for automatic top-ups'),
  })
  .openapi('CreateTopup', { example: { amount: 10_000_000 } });

export const TopupSchema = z
  .object({
    id: z.string(),
    amount: MicroUsd,
    url: z.string().describe('The page that takes the card'),
    expires_at: DateTime,
  })
  .openapi('Topup');
export type Topup = z.output<typeof TopupSchema>;

export const AutoTopupRequestSchema = z
  .strictObject({
    threshold: z.number().int().min(0).max(MOST).describe('Buys when less than this is left'),
    amount: WholeCents.describe('How much it buys'),
    monthly_limit: WholeCents.describe('The most that it buys in one UTC month'),
  })
  .openapi('SetAutoTopup', {
    example: { threshold: 2_000_000, amount: 10_000_000, monthly_limit: 50_000_000 },
  });

export const AutoTopupSchema = z
  .object({
    threshold: MicroUsd,
    amount: MicroUsd,
    monthly_limit: MicroUsd,
    has_card: z.boolean().describe('Whether a top-up with `save_card` has left a card'),
    month: z.string(),
    bought: MicroUsd.describe('In that UTC month, a charge under way included'),
    ended_at: DateTime.nullable(),
    ended_reason: z.enum(['authentication_required', 'card_declined']).nullable(),
  })
  .openapi('AutoTopup');
