import { AppError } from '#shared/core/errors.ts';

/** The version that the service is tested with; installed where Stripe is configured. */
export const STRIPE_PACKAGE = 'stripe@23.1.0';

/** Loads the optional package. */
export async function loadStripe() {
  try {
    return (await import('stripe')).default;
  } catch (cause) {
    throw new AppError(
      'invalid-request',
      `Stripe is configured, and its package is not installed. Run: npm install ${STRIPE_PACKAGE}`,
      { cause },
    );
  }
}
