import type { CardDeps, PaymentDeps } from '#functions/api/http/deps.ts';
import { type SellerDeps, sellByCard } from '#functions/api/payments/sell-by-card.ts';
import { createStripeDesk } from '#shared/adapters/stripe/stripe-desk.ts';
import { readStripeEnvironment } from '#shared/adapters/stripe/stripe-settings.ts';
import { createX402Desk } from '#shared/adapters/x402/x402-desk.ts';
import { X402_TOKEN_VARIABLE } from '#shared/adapters/x402/x402-environment.ts';
import type { ServeConfig } from './serve-config.ts';

/**
 * What it takes to sell without accounts, where that is configured.
 *
 * @throws AppError `invalid-request` where its packages are not installed
 */
export async function openPayments(
  { x402: settings, jobDeadlineSeconds }: ServeConfig,
  env: NodeJS.ProcessEnv,
): Promise<PaymentDeps | undefined> {
  if (settings === undefined) return undefined;
  const facilitatorToken = env[X402_TOKEN_VARIABLE] || undefined;
  return {
    desk: await createX402Desk({ settings, jobDeadlineSeconds, facilitatorToken }),
    unpaidLimits: { payer: settings.unpaidPerPayer, address: settings.unpaidPerAddress },
  };
}

/**
 * What it takes to sell credit by card, where Stripe is configured.
 *
 * @throws AppError `invalid-request` where a secret or the package is missing
 */
export async function openCards(
  env: NodeJS.ProcessEnv,
  deps: SellerDeps,
): Promise<CardDeps | undefined> {
  const settings = readStripeEnvironment(env);
  return settings && sellByCard(await createStripeDesk(settings, deps.clock), deps);
}
