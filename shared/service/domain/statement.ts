import { LRUCache } from 'lru-cache';
import type { Clock } from '#shared/core/clock.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { LedgerEntry, LedgerKind } from '#shared/core/ledger.ts';
import { type MicroUsd, microUsd } from '#shared/core/money.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { ledgerEntries } from './ledger-pages.ts';

/** Which way a kind moves what an account has: its balance and what is held, less what it owes. */
const SIGNS: Readonly<Record<LedgerKind, -1 | 0 | 1>> = {
  grant: 1,
  // These move money between balance and held.
  hold: 0,
  release: 0,
  capture: -1,
  expiry: -1,
  reversal: -1,
  // A part of the reversal before it.
  owed: 0,
};

/** An entry that changed what the account has. */
export interface StatementLine {
  readonly entry: LedgerEntry;
  /** Below zero where it took something. */
  readonly change: MicroUsd;
  /** What the account had after it. */
  readonly total: MicroUsd;
}

/** All that became of an account's money in a month: `opening` and every change make `closing`. */
export interface Statement {
  /** Milliseconds since the Unix epoch; `to` is exclusive. */
  readonly from: number;
  readonly to: number;
  readonly opening: MicroUsd;
  readonly closing: MicroUsd;
  /** The oldest first. Of a month there may be so many that others wait while they are all written. */
  readonly lines: Iterable<StatementLine>;
  /** The sum of the changes of each kind that there were. */
  readonly sums: Readonly<Partial<Record<LedgerKind, MicroUsd>>>;
}

/** Openings kept in memory: a month's never changes. */
const MOST_OPENINGS = 10_000;
/** How long after it an entry of a month may still be written. */
const SETTLED_MS = 3_600_000;

/**
 * Statements from the ledger's own entries, summed from the first: no other sum is trusted, and none that
 * changes while it is read.
 */
export function createStatements({
  ledger,
  clock,
}: {
  readonly ledger: Pick<Ledger, 'entries' | 'getAccount'>;
  readonly clock: Clock;
}) {
  const openings = new LRUCache<string, MicroUsd>({ max: MOST_OPENINGS });

  const openingOf = async (account: AccountId, from: number): Promise<MicroUsd> => {
    const name = `${account} ${from}`;
    const known = openings.get(name);
    if (known !== undefined) return known;
    let sum = 0;
    for await (const entry of ledgerEntries(ledger, { account, to: from })) sum += changeOf(entry);
    const opening = microUsd(sum);
    if (from < clock.now() - SETTLED_MS) openings.set(name, opening);
    return opening;
  };

  return {
    /** @param month the first of its instants and the first after it, in milliseconds */
    async read(
      account: AccountId,
      month: { readonly from: number; readonly to: number },
    ): Promise<Statement> {
      // To read an account is to book what of its credit has expired by now.
      await ledger.getAccount(account);
      const opening = await openingOf(account, month.from);
      const newestFirst: LedgerEntry[] = [];
      const sums: Partial<Record<LedgerKind, MicroUsd>> = {};
      let closing = opening;
      for await (const entry of ledgerEntries(ledger, { account, ...month })) {
        const change = changeOf(entry);
        if (change === 0) continue;
        newestFirst.push(entry);
        sums[entry.kind] = microUsd((sums[entry.kind] ?? 0) + change);
        closing = microUsd(closing + change);
      }
      const lines = { [Symbol.iterator]: () => linesOf(opening, newestFirst) };
      return { ...month, opening, closing, lines, sums };
    },
  };
}

export type StatementService = ReturnType<typeof createStatements>;

function* linesOf(
  opening: MicroUsd,
  newestFirst: readonly LedgerEntry[],
): Generator<StatementLine> {
  let total = opening;
  for (let i = newestFirst.length - 1; i >= 0; i--) {
    const entry = newestFirst[i];
    if (entry === undefined) continue;
    const change = changeOf(entry);
    total = microUsd(total + change);
    yield { entry, change, total };
  }
}

function changeOf({ kind, amount }: LedgerEntry): MicroUsd {
  // Not −0, which JSON and equality tell from 0.
  return microUsd(SIGNS[kind] === 0 ? 0 : SIGNS[kind] * amount);
}

/** The first instant of a UTC month such as `2026-11`, and the first after it. */
export function monthOf(text: string): { readonly from: number; readonly to: number } {
  const [year = 0, month = 0] = text.split('-').map(Number);
  return { from: Date.UTC(year, month - 1), to: Date.UTC(year, month) };
}
