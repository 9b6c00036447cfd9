import { AppError } from '#shared/core/errors.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { type MicroUsd, microUsd } from '#shared/core/money.ts';
import { type CreditDeps, grantCredit, reverseCredit } from '#shared/service/domain/credits.ts';
import type {
  CardAmount,
  CardDesk,
  CardEvent,
  CardPayment,
} from '#shared/service/ports/card-desk.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';

export const MICRO_USD_PER_CENT = 10_000;

export interface CardEventDeps extends CreditDeps {
  readonly ledger: Pick<Ledger, 'grant' | 'findGrant' | 'reverse'>;
  readonly desk: Pick<CardDesk, 'payment'>;
}

type Reversal = Extract<CardEvent, { kind: 'taken-back' | 'given-back' }>;

/** What became of an event: `foreign` is one of payments that were not made here. */
export type CardOutcome = 'granted' | 'taken-back' | 'given-back' | 'foreign' | 'nothing';

/** What a card's payment is called in the ledger. */
export function cardReference(id: string): string {
  return `stripe:${id}`;
}

/**
 * Does what an event says, once, however often and in whatever order events come: each movement has a reference
 * of its own, a refund brings the payment that it refunds with it, and what is given back was taken first.
 *
 * @throws AppError for what must not be passed over: `invalid-input` for another currency, `conflict` for a
 *   reference that stands for something else, `unavailable` where it has to come again
 */
export async function applyCardEvent(deps: CardEventDeps, event: CardEvent): Promise<CardOutcome> {
  switch (event.kind) {
    case 'paid':
      return (await credit(deps, event.payment)) === undefined ? 'foreign' : 'granted';
    case 'taken-back':
      return (await takeBack(deps, event)) === undefined ? 'foreign' : 'taken-back';
    case 'given-back':
      return giveBack(deps, event);
    case 'other':
      return 'nothing';
  }
}

/** Grants a payment, once; whose it is, undefined for one that was not made here. */
export async function credit(
  deps: CreditDeps,
  payment: CardPayment,
): Promise<AccountId | undefined> {
  const { account, id } = payment;
  if (account === undefined) return undefined;
  const reference = cardReference(id);
  const request = { account, amount: dollars(payment, id), reference } as const;
  const { outcome } = await grantCredit(deps, { ...request, actor: 'system', note: 'Stripe' });
  if (outcome === 'conflict') throw conflict(reference);
  return account;
}

async function takeBack(deps: CardEventDeps, event: Reversal): Promise<AccountId | undefined> {
  const account = await payerOf(deps, event.payment);
  if (account === undefined) return undefined;
  const reference = cardReference(event.id);
  const { outcome } = await reverseCredit(deps, {
    account,
    amount: dollars(event, event.id),
    reference,
    actor: 'system',
    note: `${event.what} of ${cardReference(event.payment)}`,
  });
  if (outcome === 'conflict') throw conflict(reference);
  return account;
}

async function giveBack(deps: CardEventDeps, event: Reversal): Promise<CardOutcome> {
  // The event that it was taken by may come later: it finds that taken, and given back.
  const account = await takeBack(deps, event);
  if (account === undefined) return 'foreign';
  const reference = `${cardReference(event.id)}:returned`;
  const { outcome } = await grantCredit(deps, {
    account,
    amount: dollars(event, event.id),
    reference,
    actor: 'system',
    note: event.what === 'refund' ? 'the refund failed' : 'the dispute was won',
  });
  if (outcome === 'conflict') throw conflict(reference);
  return 'given-back';
}

/** The account that a payment topped up. One whose own event is still on its way is granted first. */
async function payerOf(deps: CardEventDeps, id: string): Promise<AccountId | undefined> {
  const grant = await deps.ledger.findGrant(cardReference(id));
  if (grant !== undefined) return grant.account;
  const payment = await deps.desk.payment(id);
  if (payment.account === undefined) return undefined;
  if (!payment.isPaid) {
    throw new AppError('unavailable', `Payment ${id} is taken back and was not paid.`, {
      retryable: true,
    });
  }
  return credit(deps, payment);
}

/** @throws AppError `invalid-input` for another currency than the ledger's */
function dollars({ cents, currency }: CardAmount, id: string): MicroUsd {
  if (currency !== 'usd') {
    throw new AppError(
      'invalid-input',
      `${id} is in ${currency.toUpperCase()}. Credit is in US dollars: nothing was booked.`,
    );
  }
  return microUsd(cents * MICRO_USD_PER_CENT);
}

function conflict(reference: string): AppError {
  return new AppError(
    'conflict',
    `${reference} was booked before with another amount or for another account: nothing was booked.`,
  );
}
