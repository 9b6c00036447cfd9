import { z } from 'zod';
import type { CardDeps } from '#functions/api/http/deps.ts';
import { createStripeDesk } from '#shared/adapters/stripe/stripe-desk.ts';
import { AppError } from '#shared/core/errors.ts';
import { parseJson } from '#shared/service/domain/stored-json.ts';
import { type SellerDeps, sellByCard } from './sell-by-card.ts';

const StripeSecretSchema = z.strictObject({
  secretKey: z.string().min(1),
  webhookSecret: z.string().min(1),
});

/**
 * What it takes to sell credit by card.
 *
 * @param secret the text of the secret that the deployment's settings name
 * @throws AppError `internal-error` where it has another form, without saying what it is
 */
export async function deployedCards(secret: string, deps: SellerDeps): Promise<CardDeps> {
  const settings = StripeSecretSchema.safeParse(parseJson(secret));
  if (!settings.success) {
    throw new AppError(
      'internal-error',
      'The secret of Stripe is not {"secretKey": "…", "webhookSecret": "…"}',
    );
  }
  return sellByCard(await createStripeDesk(settings.data, deps.clock), deps);
}
