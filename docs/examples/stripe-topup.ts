import { Hono } from 'hono';
import Stripe from 'stripe';

/**
 * A worked example: customers pay with Stripe, and their accounts here get the credit.
 *
 * Run it wherever Stripe can reach it, and tell Stripe to send `checkout.session.completed` and
 * `checkout.session.async_payment_succeeded` to `/stripe`. Make each Checkout session with
 * `client_reference_id` set to the account's id (`acc_…`).
 */
export interface StripeTopupSettings {
  /** The endpoint's signing secret of Stripe's dashboard: `whsec_…`. */
  readonly stripeWebhookSecret: string;
  /** Where the image API is, such as `https://images.example.com`. */
  readonly apiUrl: string;
  /** The operator's key, with the `admin` scope. */
  readonly adminKey: string;
}

/** Millionths of a dollar in one cent, Stripe's unit for US dollars. */
const MICRO_USD_PER_CENT = 10_000;
const PAID_EVENTS = ['checkout.session.completed', 'checkout.session.async_payment_succeeded'];

export function createStripeTopup(settings: StripeTopupSettings): Hono {
  // Signatures are checked without calling Stripe, so there is no Stripe key here.
  const stripe = new Stripe('unused');
  const app = new Hono();

  app.post('/stripe', async (c) => {
    let event: Stripe.Event;
    try {
      // The body as it was sent: a parsed and printed one has another signature.
      event = await stripe.webhooks.constructEventAsync(
        await c.req.text(),
        c.req.header('stripe-signature') ?? '',
        settings.stripeWebhookSecret,
      );
    } catch {
      return c.text('The signature is not Stripe’s.', 400);
    }
    if (!PAID_EVENTS.includes(event.type)) return c.text('Nothing to do.');
    const session = event.data.object as Stripe.Checkout.Session;
    // A bank transfer completes its session before the money is there.
    if (session.payment_status !== 'paid') return c.text('Not paid yet.');
    if (session.currency !== 'usd' || session.amount_total === null) {
      return c.text('Only US dollars are taken.', 422);
    }
    const granted = await fetch(`${settings.apiUrl}/v1/credits`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${settings.adminKey}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        account: session.client_reference_id,
        amount: session.amount_total * MICRO_USD_PER_CENT,
        // One grant per payment, however often and by whichever event Stripe tells of it.
        reference: `stripe:${session.id}`,
        note: 'Stripe Checkout',
      }),
    });
    // Anything but 2xx makes Stripe send the event again, for days.
    return c.text(granted.ok ? 'Credited.' : 'Try again.', granted.ok ? 200 : 502);
  });
  return app;
}
