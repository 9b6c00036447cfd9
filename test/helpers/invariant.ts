import { expect } from 'vitest';
import { defined } from '#shared/core/defined.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
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
 * Σ balances + Σ held = Σ credits − Σ captures − Σ expiries, for each account and for all, to the
 * micro-USD; no balance below zero; and per account the entries say the same as the sums.
 */
export async function expectInvariant(ledger: Ledger): Promise<void> {
  const accounts = await ledger.listAccounts();
  const all = await ledger.totals();
  expect(all.balances + all.held).toBe(all.granted - all.captured - all.expired);
  for (const account of accounts) {
    const totals = await ledger.totals(account.id);
    expect(totals.balances).toBe(account.balance);
    expect(totals.held).toBe(account.held);
    expect(account.balance).toBeGreaterThanOrEqual(0);
    expect(account.held).toBeGreaterThanOrEqual(0);
    expect(totals.balances + totals.held).toBe(totals.granted - totals.captured - totals.expired);
    expectHoldsMatch(await allEntries(ledger, account.id), account.held);
  }
}

/** Each hold has at most one end, and those without one are what is held. */
function expectHoldsMatch(entries: readonly LedgerEntry[], held: number): void {
  const open = new Map<string, number>();
  for (const { kind, job, amount } of entries) {
    if (kind === 'hold' && job !== undefined) open.set(job, amount);
  }
  for (const { kind, job, amount } of entries) {
    if (kind !== 'capture' && kind !== 'release') continue;
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
