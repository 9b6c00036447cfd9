import { expect } from 'vitest';
import { defined } from '#shared/core/defined.ts';
import {
  type LedgerEntry,
  ledgerDifference,
  type UsageOfDay,
  usageOf,
} from '#shared/core/ledger.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';

/** Every entry of an account, newest first. */
export async function allEntries(ledger: Ledger, account: LedgerEntry['account']) {
  const entries: LedgerEntry[] = [];
  for (let before: string | undefined; ; ) {
    const page = await ledger.entries({
      account,
      limit: 500,
      ...defined({ before }),
    });
    entries.push(...page);
    before = page.at(-1)?.id;
    if (page.length < 500) return entries;
  }
}

/**
 * Σ balances + Σ held − Σ owed = Σ credits − Σ captures − Σ expiries − Σ reversals, for each account and for
 * all, to the micro-USD; nothing below zero; who has a balance owes nothing; and per account the entries say the same as the sums.
 */
export async function expectInvariant(ledger: Ledger): Promise<void> {
  const accounts = await ledger.listAccounts();
  const all = await ledger.totals();
  expect(ledgerDifference(all)).toBe(0);
  for (const account of accounts) {
    const totals = await ledger.totals(account.id);
    expect(totals.balances).toBe(account.balance);
    expect(totals.held).toBe(account.held);
    expect(account.balance).toBeGreaterThanOrEqual(0);
    expect(account.held).toBeGreaterThanOrEqual(0);
    expect(totals.owed).toBe(account.owed ?? 0);
    expect(totals.owed).toBeGreaterThanOrEqual(0);
    expect(Math.min(totals.balances, totals.owed)).toBe(0);
    expect(ledgerDifference(totals)).toBe(0);
    const entries = await allEntries(ledger, account.id);
    expectHoldsMatch(entries, account.held);
    for (const [kind, name] of TOTALS) expect(sumOf(entries, kind)).toBe(totals[name]);
    const captured = entries.filter(({ kind }) => kind === 'capture').map(usageOf);
    if (entries.some(({ jobs }) => jobs !== undefined)) continue;
    expect(addUp(await allUsage(ledger, account.id))).toEqual(addUp(captured));
  }
}

/** What was charged on all days, read in small pages. */
export async function allUsage(ledger: Ledger, account: LedgerEntry['account']) {
  const rows: UsageOfDay[] = [];
  for (let after: string | undefined; ; ) {
    const days = { from: '1971-01-01', to: '2200-01-01' };
    const page = await ledger.usage({ account, ...days, limit: 7, ...defined({ after }) });
    rows.push(...page.rows);
    after = page.next;
    if (after === undefined) return rows;
  }
}

/** By day, key, model and tags: predictions, images and money. */
function addUp(rows: readonly UsageOfDay[]): Record<string, readonly number[]> {
  const sums: Record<string, readonly number[]> = {};
  for (const { day, key, model, tags, jobs, images, amount } of rows) {
    const name = JSON.stringify([day, key, model, tags]);
    const [j = 0, i = 0, a = 0] = sums[name] ?? [];
    sums[name] = [j + jobs, i + images, a + amount];
  }
  return sums;
}

/** The kinds of entries that have a sum of their own, and what it is called. */
export const TOTALS = [
  ['grant', 'granted'],
  ['capture', 'captured'],
  ['expiry', 'expired'],
  ['reversal', 'reversed'],
] as const;

function sumOf(entries: readonly LedgerEntry[], kind: LedgerEntry['kind']): number {
  return entries.reduce((sum, entry) => sum + (entry.kind === kind ? entry.amount : 0), 0);
}

/** Each hold has at most one end, and those without one are what is held. */
function expectHoldsMatch(entries: readonly LedgerEntry[], held: number): void {
  const open = new Map<string, number>();
  for (const { kind, job, amount } of entries) {
    if (kind === 'hold' && job !== undefined) open.set(job, amount);
  }
  for (const { kind, job, amount, jobs } of entries) {
    if ((kind !== 'capture' && kind !== 'release') || jobs !== undefined) continue;
    const hold = open.get(job ?? '');
    expect(hold, `${kind} without a hold, or a second end of job ${job}`).toBeDefined();
    expect(amount).toBeLessThanOrEqual(hold ?? 0);
    open.delete(job ?? '');
  }
  expect([...open.values()].reduce((sum, amount) => sum + amount, 0)).toBe(held);
}

/**
 * Jobs that were admitted at a time or later have spent no more than credit that lasted beyond it: for
 * every time at which credit ended.
 */
export async function expectNoExpiredCreditSpent(ledger: Ledger): Promise<void> {
  for (const { id } of await ledger.listAccounts()) {
    const entries = await allEntries(ledger, id);
    const sum = (wanted: (entry: LedgerEntry) => boolean) =>
      entries.filter(wanted).reduce((total, { amount }) => total + amount, 0);
    const admittedAt = new Map(
      entries.flatMap(({ kind, job, at }) => (kind === 'hold' ? [[job, at] as const] : [])),
    );
    for (const { expiresAt } of entries) {
      if (expiresAt === undefined) continue;
      const spent = sum(
        ({ kind, job }) => kind === 'capture' && (admittedAt.get(job) ?? 0) >= expiresAt,
      );
      const lasting = sum(
        ({ kind, expiresAt: end = Number.POSITIVE_INFINITY }) =>
          kind === 'grant' && end > expiresAt,
      );
      expect(spent).toBeLessThanOrEqual(lasting);
    }
  }
}
