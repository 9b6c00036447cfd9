import type { AccountId, JobId, KeyId } from './ids.ts';
import { type MicroUsd, microUsd } from './money.ts';

export const LEDGER_KINDS = ['grant', 'hold', 'capture', 'release', 'expiry'] as const;
/**
 * `grant` and `expiry` change the balance from outside; `hold` moves balance to held; exactly one of
 * `capture` (≤ the hold, the rest goes back) and `release` (all goes back) ends each hold.
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
  /** Of a grant and its expiry: what paid for it, such as a payment's id. */
  readonly reference?: string;
  readonly note?: string;
  /** Of a grant: when what is left of it expires. */
  readonly expiresAt?: number;
}

/** How far the sums are from agreeing; 0, always. */
export function ledgerDifference(totals: LedgerTotals): MicroUsd {
  const { balances, held, granted, captured, expired } = totals;
  return microUsd(balances + held - (granted - captured - expired));
}

/**
 * The sums that must agree at every moment:
 * balances + held = granted − captured − expired.
 */
export interface LedgerTotals {
  readonly balances: MicroUsd;
  readonly held: MicroUsd;
  readonly granted: MicroUsd;
  readonly captured: MicroUsd;
  readonly expired: MicroUsd;
}
