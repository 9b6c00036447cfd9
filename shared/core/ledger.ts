import { toIso } from './clock.ts';
import type { AccountId, JobId, KeyId } from './ids.ts';
import { type MicroUsd, microUsd, subtractUsd, ZERO_USD } from './money.ts';

export const LEDGER_KINDS = [
  'grant',
  'hold',
  'capture',
  'release',
  'expiry',
  'reversal',
  'owed',
] as const;
/**
 * `grant`, `expiry` and `reversal` change the balance from outside; `hold` moves balance to held; exactly one of
 * `capture` (≤ the hold, the rest goes back) and `release` (all goes back) ends each hold. `owed` moves nothing:
 * it says how much of the reversal before it found no balance. Whatever comes in pays that first.
 */
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** One line of the ledger. Immutable: corrections are new entries. */
export interface LedgerEntry {
  /** A ULID; entries of an account list in its order. */
  readonly id: string;
  readonly account: AccountId;
  readonly kind: LedgerKind;
  readonly at: number;
  /** Never negative; the kind says which way it went. */
  readonly amount: MicroUsd;
  /** Of a hold and its end. */
  readonly job?: JobId;
  readonly key?: KeyId;
  readonly model?: string;
  readonly priceVersion?: string;
  readonly images?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** Of a grant and its expiry: what paid for it, such as a payment's id. Of a reversal: what took it back. */
  readonly reference?: string;
  readonly note?: string;
  /** Of a grant: when what is left of it expires. */
  readonly expiresAt?: number;
  /** Of a capture that stands for a month of them: how many jobs those were of. */
  readonly jobs?: number;
}

/** What was charged on a UTC day for one key, model and set of tags; or a part of it. */
export interface UsageOfDay {
  /** `2026-11-23`. */
  readonly day: string;
  readonly key: string;
  readonly model: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly jobs: number;
  readonly images: number;
  readonly amount: MicroUsd;
}

/** What a captured entry adds to its day. */
export function usageOf(entry: LedgerEntry): UsageOfDay {
  const { key = '', model = '', tags = {}, images = 0, jobs = 1, amount } = entry;
  return { day: toIso(entry.at).slice(0, 10), key, model, tags, jobs, images, amount };
}

/** How far the sums are from agreeing; 0, always. */
export function ledgerDifference(totals: LedgerTotals): MicroUsd {
  const { balances, held, owed, granted, captured, expired, reversed } = totals;
  return microUsd(balances + held - owed - (granted - captured - expired - reversed));
}

/**
 * The sums that must agree at every moment:
 * balances + held − owed = granted − captured − expired − reversed.
 */
export interface LedgerTotals {
  readonly balances: MicroUsd;
  readonly held: MicroUsd;
  readonly owed: MicroUsd;
  readonly granted: MicroUsd;
  readonly captured: MicroUsd;
  readonly expired: MicroUsd;
  readonly reversed: MicroUsd;
}

/** What an amount that comes in is used for: what is owed is paid first. */
export function payOwed(
  amount: MicroUsd,
  owed: MicroUsd = ZERO_USD,
): { readonly paid: MicroUsd; readonly left: MicroUsd } {
  const paid = microUsd(Math.min(amount, owed));
  return { paid, left: subtractUsd(amount, paid) };
}

/** Where an amount is taken back from: the balance, and what it does not cover is owed. */
export function takeBack(
  amount: MicroUsd,
  balance: MicroUsd,
): { readonly taken: MicroUsd; readonly owed: MicroUsd } {
  const taken = microUsd(Math.min(amount, balance));
  return { taken, owed: subtractUsd(amount, taken) };
}
