import { signedEvent, type StripeStandIn, startStripeStandIn } from '#test/stand-ins/stripe-api.ts';

const webhookSecret = 'whsec_test_secret';

/**
 * A Stripe whose page takes any card, for servers that are started with `env`: what is paid there is told to
 * `serverUrl()`, as Stripe would.
 */
export async function startCardPayments(serverUrl: () => string): Promise<{
  readonly stripe: StripeStandIn;
  readonly env: Readonly<Record<string, string>>;
}> {
  const stripe = await startStripeStandIn(async (session) => {
    const type = 'checkout.session.completed';
    const { payload, signature } = signedEvent(type, session, { secret: webhookSecret });
    const answer = await fetch(`${serverUrl()}/stripe/webhook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': signature },
      body: payload,
    });
    if (!answer.ok) throw new Error(`the event was answered ${answer.status}`);
  });
  const env = {
    STRIPE_SECRET_KEY: 'sk_test_1',
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_API_URL: stripe.url,
  };
  return { stripe, env };
}
