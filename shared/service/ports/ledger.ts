import type { Account, AuditEntry } from '#shared/core/account.ts';
import { defined } from '#shared/core/defined.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { LedgerEntry, LedgerTotals, UsageOfDay } from '#shared/core/ledger.ts';
import type { MicroUsd } from '#shared/core/money.ts';

export interface Grant {
  readonly entryId: string;
  readonly account: AccountId;
  readonly amount: MicroUsd;
  /** What paid for it; the same reference is granted once. */
  readonly reference: string;
  readonly at: number;
  readonly expiresAt?: number;
  readonly note?: string;
  readonly audit: AuditEntry;
}

/** The ledger's entry of a grant. */
export function grantEntry(grant: Grant): LedgerEntry {
  const { entryId: id, account, at, amount, reference, expiresAt, note } = grant;
  return { id, account, kind: 'grant', at, amount, reference, ...defined({ expiresAt, note }) };
}

export type GrantResult =
  | { readonly outcome: 'granted' | 'replayed'; readonly entry: LedgerEntry }
  /** The reference was granted before with another amount or to another account. */
  | { readonly outcome: 'conflict'; readonly entry: LedgerEntry };

/** A payment that is taken back, or a part of it: a refund, a dispute. */
export interface Reversal {
  readonly entryId: string;
  /** Of the entry that says what of it is owed, where the balance does not cover it. */
  readonly owedEntryId: string;
  readonly account: AccountId;
  readonly amount: MicroUsd;
  /** What took it back, such as a refund's id; the same reference takes once. */
  readonly reference: string;
  readonly at: number;
  readonly note?: string;
  readonly audit: AuditEntry;
}

export type ReversalResult =
  | { readonly outcome: 'reversed' | 'replayed'; readonly entry: LedgerEntry }
  /** The reference took another amount before, or from another account. */
  | { readonly outcome: 'conflict'; readonly entry: LedgerEntry };

export interface LedgerQuery {
  readonly account: AccountId;
  readonly from?: number;
  /** Exclusive. */
  readonly to?: number;
  /** Only entries older than this id: the cursor of a page. */
  readonly before?: string;
  readonly limit: number;
}

export interface UsageQuery {
  readonly account: AccountId;
  /** A UTC day, `2026-11-23`, and the day after the last. */
  readonly from: string;
  readonly to: string;
  /** The `next` of the page before. */
  readonly after?: string;
  readonly limit: number;
}

export interface UsagePage {
  /** In no order that means anything; those of one day and group add up. */
  readonly rows: readonly UsageOfDay[];
  /** Absent on the last page. */
  readonly next?: string;
}

/** Accounts and money. Holds and their ends are written by the job store's transactions. */
export interface Ledger {
  createAccount(account: Account, audit: AuditEntry): Promise<{ readonly created: boolean }>;
  getAccount(id: AccountId): Promise<Account | undefined>;
  listAccounts(): Promise<readonly Account[]>;
  /** Shuts an account out, or lets it in again (undefined); undefined if there is no such account. */
  setDisabled(
    id: AccountId,
    disabledAt: number | undefined,
    audit: AuditEntry,
  ): Promise<Account | undefined>;

  /** Adds credit, once per reference. What the account owes is paid of it first. */
  grant(grant: Grant): Promise<GrantResult>;

  /** The grant of a reference, whichever account has it. */
  findGrant(reference: string): Promise<LedgerEntry | undefined>;

  /**
   * Takes credit back, once per reference, as an order would spend it: what expires first. What is held stays
   * held; what the balance does not cover is owed, and paid by whatever comes in next: grants, and what
   * jobs give back.
   */
  reverse(reversal: Reversal): Promise<ReversalResult>;

  /**
   * Expires what is left of grants whose time has come. What open jobs hold of them is left until
   * those jobs end. Returns the entries written.
   */
  expireCredits(now: number, limit: number): Promise<readonly LedgerEntry[]>;

  /** Newest first. */
  entries(query: LedgerQuery): Promise<readonly LedgerEntry[]>;

  /** What was charged on whole days, whether their entries are there or compacted. */
  usage(query: UsageQuery): Promise<UsagePage>;

  /** For the audit of the invariant, over all accounts or one. */
  totals(account?: AccountId): Promise<LedgerTotals>;
}
