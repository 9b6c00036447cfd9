import type { AutoTopup, SavedCard } from '#shared/core/auto-topup.ts';
import { toIso } from '#shared/core/clock.ts';
import { type AccountId, createUlid } from '#shared/core/ids.ts';
import { addUsd, type MicroUsd, microUsd, ZERO_USD } from '#shared/core/money.ts';
import type { AutoTopups } from '#shared/service/ports/auto-topups.ts';
import type { CardDesk, ChargeResult } from '#shared/service/ports/card-desk.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { type CardEventDeps, credit, MICRO_USD_PER_CENT } from './card-events.ts';

/** How long whoever began a charge has for it; then another may go on with it. */
const TURN_MS = 60_000;
/** The processor forgets a charge's key after a day: it is not asked for again after this. */
const KEY_MS = 23 * 3_600_000;
/** How often a change is tried while others change the same. */
const MAX_TRIES = 5;

export interface AutoTopupDeps extends CardEventDeps {
  readonly ledger: CardEventDeps['ledger'] & Pick<Ledger, 'getAccount'>;
  readonly desk: Pick<CardDesk, 'payment' | 'charge'>;
  readonly autoTopups: AutoTopups;
}

export interface AutoTopupWish {
  readonly account: AccountId;
  readonly threshold: MicroUsd;
  readonly amount: MicroUsd;
  readonly monthlyLimit: MicroUsd;
}

/** What a look at an account came to. */
export type AutoTopupOutcome = 'nothing' | 'bought' | 'under-way' | 'ended';

/** Buys credit by cards that were kept: once for each time that little is left, within a monthly limit. */
export function createAutoTopups(deps: AutoTopupDeps) {
  const { autoTopups, clock } = deps;
  const monthNow = () => toIso(clock.now()).slice(0, 7);

  const change = async (
    account: AccountId,
    next: (before: AutoTopup | undefined) => Omit<AutoTopup, 'version'> | undefined,
  ): Promise<AutoTopup | undefined> => {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const before = await autoTopups.get(account);
      const after = next(before);
      if (after === undefined) return undefined;
      const stored = { ...after, version: (before?.version ?? 0) + 1 };
      if (await autoTopups.put(stored)) return stored;
    }
    return undefined;
  };

  /** The end of an attempt, unless somebody else has ended it. */
  const finish = (topup: AutoTopup, ended: Pick<AutoTopup, 'ended'>, refund: boolean) =>
    change(topup.account, (before) => {
      if (before === undefined || before.attempt?.id !== topup.attempt?.id) return undefined;
      const { attempt: _, ...rest } = before;
      const isBack = refund && before.month === topup.month;
      const back = isBack ? (topup.attempt?.amount ?? ZERO_USD) : ZERO_USD;
      return { ...rest, ...ended, bought: microUsd(Math.max(0, before.bought - back)) };
    });

  const settle = async (topup: AutoTopup, result: ChargeResult): Promise<AutoTopupOutcome> => {
    if (result.state === 'paid') {
      await credit(deps, result.payment);
      await finish(topup, {}, false);
      return 'bought';
    }
    if (result.state === 'refused') {
      const ended = { at: clock.now(), reason: result.reason };
      await finish(topup, { ended }, true);
      return 'ended';
    }
    await change(topup.account, (before) => {
      if (before?.attempt === undefined || before.attempt.id !== topup.attempt?.id) return;
      return { ...before, attempt: { ...before.attempt, payment: result.payment } };
    });
    return 'under-way';
  };

  const goOn = async (topup: AutoTopup): Promise<AutoTopupOutcome> => {
    const { attempt, account } = topup;
    if (attempt === undefined) return 'nothing';
    const age = clock.now() - attempt.at;
    if (attempt.payment !== undefined) {
      const payment = await deps.desk.payment(attempt.payment);
      if (payment.isPaid) return settle(topup, { state: 'paid', payment });
      if (age < KEY_MS) return 'under-way';
    }
    // Should it have been paid all the same, its own event grants it.
    if (age >= KEY_MS) {
      await finish(topup, {}, false);
      return 'nothing';
    }
    const { id, card } = attempt;
    const cents = attempt.amount / MICRO_USD_PER_CENT;
    return settle(topup, await deps.desk.charge({ account, card, cents, id }));
  };

  return {
    get: (account: AccountId) => autoTopups.get(account),
    remove: (account: AccountId) => autoTopups.remove(account),

    /** Starts it, or starts it anew; the card and what was bought this month stay. */
    set: (wish: AutoTopupWish) =>
      change(wish.account, (before) => {
        const { ended: _, ...rest } = before ?? { month: monthNow(), bought: ZERO_USD };
        return { ...rest, ...wish };
      }),

    /** Keeps the card of a payment for an account that buys by itself, or will. */
    async keepCard(account: AccountId, card: SavedCard): Promise<void> {
      await change(account, (before) => before && { ...before, card });
    },

    /**
     * Looks whether an account has to buy, and buys. Harmless to call at any time, and from many processes: of
     * those that see little left, one writes the attempt and charges; an attempt whose process died is gone on with.
     */
    async consider(account: AccountId): Promise<AutoTopupOutcome> {
      const topup = await autoTopups.get(account);
      const now = clock.now();
      if (topup?.card === undefined || topup.ended !== undefined) return 'nothing';
      if (topup.attempt !== undefined) {
        return now - topup.attempt.at < TURN_MS ? 'under-way' : goOn(topup);
      }
      const own = await deps.ledger.getAccount(account);
      if (own === undefined || own.disabledAt !== undefined) return 'nothing';
      if (own.balance - (own.owed ?? 0) >= topup.threshold) return 'nothing';
      const month = monthNow();
      const bought = addUsd(topup.month === month ? topup.bought : ZERO_USD, topup.amount);
      if (bought > topup.monthlyLimit) return 'nothing';
      const { amount, card } = topup;
      const attempt = { id: createUlid(clock, deps.randomBytes), at: now, amount, card };
      const begun = { ...topup, month, bought, attempt, version: topup.version + 1 };
      return (await autoTopups.put(begun)) ? goOn(begun) : 'under-way';
    },
  };
}

export type AutoTopupService = ReturnType<typeof createAutoTopups>;
