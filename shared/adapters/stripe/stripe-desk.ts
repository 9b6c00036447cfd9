import type Stripe from 'stripe';
import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import type { CardDesk } from '#shared/service/ports/card-desk.ts';
import { loadStripe } from './load-stripe.ts';
import { ACCOUNT, AUTOMATIC, KEEPS_CARD, toCardEvent, toCardPayment } from './stripe-events.ts';
import type { StripeSettings } from './stripe-settings.ts';

/** How old a signature may be, as Stripe advises. Each time that Stripe sends an event, it signs anew. */
const TOLERANCE_SECONDS = 300;
const TIMEOUT_MS = 10_000;
const RETRIES = 2;

/** The counter at Stripe. */
export async function createStripeDesk(
  { secretKey, webhookSecret, apiUrl }: StripeSettings,
  clock: Clock,
): Promise<CardDesk> {
  const Client = await loadStripe();
  const stripe = new Client(secretKey, {
    maxNetworkRetries: RETRIES,
    timeout: TIMEOUT_MS,
    telemetry: false,
    ...(apiUrl !== undefined && hostOf(apiUrl)),
  });

  return {
    async checkout({ account, cents, paidUrl, canceledUrl, keepsCard, idempotencyKey }) {
      const metadata = { [ACCOUNT]: account, ...(keepsCard && { [KEEPS_CARD]: '1' }) };
      const session = await asked(() =>
        stripe.checkout.sessions.create(
          {
            mode: 'payment',
            client_reference_id: account,
            metadata,
            line_items: [
              {
                quantity: 1,
                price_data: {
                  currency: 'usd',
                  unit_amount: cents,
                  product_data: { name: 'Credit' },
                },
              },
            ],
            // What is paid is what is credited, in the ledger's own currency.
            adaptive_pricing: { enabled: false },
            payment_intent_data: {
              metadata,
              ...(keepsCard && { setup_future_usage: 'off_session' }),
            },
            ...(keepsCard && { customer_creation: 'always' }),
            success_url: paidUrl,
            cancel_url: canceledUrl,
          },
          { idempotencyKey },
        ),
      );
      const { id, url, expires_at } = session;
      if (url === null) throw new AppError('unavailable', 'Stripe has made no page to pay on.');
      return { id, url, expiresAt: expires_at * 1000 };
    },

    async readEvent(body, signature) {
      let event: Stripe.Event;
      try {
        event = await stripe.webhooks.constructEventAsync(
          body,
          signature ?? '',
          webhookSecret,
          TOLERANCE_SECONDS,
          undefined,
          clock.now(),
        );
      } catch (cause) {
        throw new AppError(
          'invalid-request',
          'The Stripe-Signature is not that of STRIPE_WEBHOOK_SECRET over this body, or is too old.',
          { cause },
        );
      }
      return toCardEvent(event);
    },

    async charge({ account, card, cents, id }) {
      try {
        const intent = await stripe.paymentIntents.create(
          {
            amount: cents,
            currency: 'usd',
            customer: card.customer,
            payment_method: card.method,
            off_session: true,
            confirm: true,
            description: 'Credit',
            metadata: { [ACCOUNT]: account, [AUTOMATIC]: id },
          },
          { idempotencyKey: `automatic:${id}` },
        );
        const payment = toCardPayment(intent);
        if (payment.isPaid) return { state: 'paid', payment };
        return intent.status === 'processing'
          ? { state: 'processing', payment: intent.id }
          : { state: 'refused', reason: 'authentication_required' };
      } catch (cause) {
        // The bank has answered: all else may be repeated.
        if (cause instanceof Client.errors.StripeCardError) {
          const needsHolder = cause.code === 'authentication_required';
          return {
            state: 'refused',
            reason: needsHolder ? 'authentication_required' : 'card_declined',
          };
        }
        throw unavailable(cause);
      }
    },

    payment: async (id) => toCardPayment(await asked(() => stripe.paymentIntents.retrieve(id))),
  };
}

/** What Stripe says of itself is for the log: its messages may quote the request. */
async function asked<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw unavailable(cause);
  }
}

function unavailable(cause: unknown): AppError {
  return new AppError('unavailable', 'Stripe did not take the request. Try again later.', {
    cause,
    retryable: true,
  });
}

function hostOf(apiUrl: string): Pick<Stripe.StripeConfig, 'protocol' | 'host' | 'port'> {
  const { protocol, hostname, port } = new URL(apiUrl);
  const isHttps = protocol === 'https:';
  return {
    protocol: isHttps ? 'https' : 'http',
    host: hostname,
    port: Number(port || (isHttps ? 443 : 80)),
  };
}
