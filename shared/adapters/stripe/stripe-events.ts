import type Stripe from 'stripe';
import { defined } from '#shared/core/defined.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { SavedCard } from '#shared/core/auto-topup.ts';
import type { CardEvent, CardPayment } from '#shared/service/ports/card-desk.ts';

/** The member of Stripe's metadata that names the account: what lacks it was not made here. */
export const ACCOUNT = 'onestep_account';
/** Set where the payer lets the card be kept. */
export const KEEPS_CARD = 'onestep_keeps_card';
/** Set where a payment was made without its payer, who therefore completes no session. */
export const AUTOMATIC = 'onestep_automatic';

/** The events that a webhook endpoint has to be sent. */
export const STRIPE_EVENTS = [
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'payment_intent.succeeded',
  'refund.created',
  'refund.updated',
  'refund.failed',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.funds_reinstated',
] as const satisfies readonly Stripe.Event.Type[];

/** What an event whose signature was checked says; events come in any order, and more than once. */
export function toCardEvent(event: Stripe.Event): CardEvent {
  switch (event.type) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
      return ofSession(event.data.object) ?? { kind: 'other', type: event.type };
    case 'payment_intent.succeeded': {
      const payment = toCardPayment(event.data.object);
      // Of Checkout's, its session tells.
      const isAutomatic = event.data.object.metadata[AUTOMATIC] !== undefined;
      return isAutomatic ? { kind: 'paid', payment } : { kind: 'other', type: event.type };
    }
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
      return ofRefund(event.data.object) ?? { kind: 'other', type: event.type };
    case 'charge.dispute.funds_withdrawn':
    case 'charge.dispute.funds_reinstated': {
      const { id, amount: cents, currency, payment_intent } = event.data.object;
      const payment = idOf(payment_intent);
      if (payment === undefined) return { kind: 'other', type: event.type };
      const kind = event.type === 'charge.dispute.funds_withdrawn' ? 'taken-back' : 'given-back';
      return { kind, what: 'dispute', id, payment, cents, currency };
    }
    default:
      return { kind: 'other', type: event.type };
  }
}

export function toCardPayment(intent: Stripe.PaymentIntent): CardPayment {
  const { id, status, amount_received: cents, currency, metadata, setup_future_usage } = intent;
  const customer = idOf(intent.customer);
  const method = idOf(intent.payment_method);
  const isKept = setup_future_usage === 'off_session' && customer && method;
  const saved: SavedCard | undefined = isKept ? { customer, method } : undefined;
  const account = metadata[ACCOUNT] as AccountId | undefined;
  return { id, isPaid: status === 'succeeded', cents, currency, ...defined({ account, saved }) };
}

/** A bank transfer completes its session before the money is there. */
function ofSession(session: Stripe.Checkout.Session): CardEvent | undefined {
  const { payment_status, currency, amount_total: cents, metadata } = session;
  const id = idOf(session.payment_intent);
  const account = metadata?.[ACCOUNT] as AccountId | undefined;
  if (payment_status !== 'paid' || id === undefined || account === undefined) return undefined;
  if (currency === null || cents === null) return undefined;
  const payment = { id, account, isPaid: true, cents, currency };
  return { kind: 'paid', payment, keepsCard: metadata?.[KEEPS_CARD] !== undefined };
}

/** One that was begun takes: the money is on its way. What fails or is called off gives back. */
function ofRefund(refund: Stripe.Refund): CardEvent | undefined {
  const { id, amount: cents, currency, status } = refund;
  const payment = idOf(refund.payment_intent);
  if (payment === undefined) return undefined;
  const of = { what: 'refund', id, payment, cents, currency } as const;
  if (status === 'failed' || status === 'canceled') return { kind: 'given-back', ...of };
  return { kind: 'taken-back', ...of };
}

function idOf(reference: string | { readonly id: string } | null): string | undefined {
  return typeof reference === 'string' ? reference : reference?.id;
}
