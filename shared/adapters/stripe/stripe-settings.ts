import { AppError } from '#shared/core/errors.ts';

/** Secrets of a Stripe account. They stand in no file. */
export interface StripeSettings {
  /** `sk_…`, or better a restricted `rk_…`. */
  readonly secretKey: string;
  /** Of the endpoint in Stripe's dashboard: `whsec_…`. */
  readonly webhookSecret: string;
  /** Where Stripe's API is, if not at Stripe. */
  readonly apiUrl?: string | undefined;
}

/**
 * Stripe's settings in the environment; undefined without any.
 *
 * @throws AppError `invalid-request` where one is there without the other
 */
export function readStripeEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): StripeSettings | undefined {
  const secretKey = env['STRIPE_SECRET_KEY'] || undefined;
  const webhookSecret = env['STRIPE_WEBHOOK_SECRET'] || undefined;
  if (secretKey === undefined && webhookSecret === undefined) return undefined;
  if (secretKey === undefined || webhookSecret === undefined) {
    const missing = secretKey === undefined ? 'STRIPE_SECRET_KEY' : 'STRIPE_WEBHOOK_SECRET';
    throw new AppError(
      'invalid-request',
      `${missing} is missing: Stripe takes a secret key and the signing secret of its webhook.`,
    );
  }
  return { secretKey, webhookSecret, apiUrl: env['STRIPE_API_URL'] || undefined };
}
