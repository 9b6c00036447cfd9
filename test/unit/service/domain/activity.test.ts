import { describe, expect, it } from 'vitest';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { microUsd } from '#shared/core/money.ts';
import { createActivityReader } from '#shared/service/domain/activity.ts';
import type { LedgerQuery } from '#shared/service/ports/ledger.ts';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const MINUTE = 60_000;

/** A ledger of two accounts, and every query that it got. */
function setUp(now = NOON) {
  const entries: LedgerEntry[] = [];
  const queries: LedgerQuery[] = [];
  const clock = { at: now, now: () => clock.at };
  const reader = createActivityReader({
    clock,
    ledger: {
      listAccounts: async () => [{ id: 'acc_a' }, { id: 'acc_b' }] as never,
      async entries(query) {
        queries.push(query);
        return entries
          .filter(({ account, at }) => account === query.account && at >= (query.from ?? 0))
          .toSorted((a, b) => (a.id < b.id ? 1 : -1))
          .filter(({ id }) => query.before === undefined || id < query.before)
          .slice(0, query.limit);
      },
    },
  });
  const write = (account: string, kind: LedgerEntry['kind'], at: number, images = 1) =>
    entries.push({
      id: String(entries.length).padStart(8, '0'),
      account: account as LedgerEntry['account'],
      kind,
      at,
      amount: microUsd(kind === 'release' ? 0 : 4000 * images),
      images,
    });
  return { clock, reader, write, queries };
}

describe('createActivityReader', () => {
  it('sums today and the last minute over all accounts', async () => {
    const { reader, write } = setUp();
    write('acc_a', 'capture', NOON - 13 * 3_600_000, 4);
    write('acc_a', 'capture', NOON - 2 * MINUTE, 2);
    write('acc_b', 'hold', NOON - MINUTE);
    write('acc_b', 'capture', NOON - 1000);
    write('acc_b', 'release', NOON - 2000);
    const { today, lastMinute, recent } = await reader.read();
    expect(today).toEqual({ charged: 2, released: 1, images: 3, amount: 12_000 });
    expect(lastMinute).toEqual({ charged: 1, released: 1, images: 1, amount: 4000 });
    expect(recent.map(({ kind }) => kind)).toEqual(['capture', 'release', 'capture']);
  });

  it('counts each entry once, also one that turns up late', async () => {
    const { clock, reader, write } = setUp();
    write('acc_a', 'capture', NOON - 1000);
    await reader.read();
    write('acc_a', 'capture', NOON - 30_000);
    clock.at += 5000;
    write('acc_a', 'capture', clock.at);
    expect((await reader.read()).today.charged).toBe(3);
    clock.at += 3 * MINUTE;
    const { today, lastMinute } = await reader.read();
    expect([today.charged, lastMinute.charged]).toEqual([3, 0]);
  });

  it('reads a long day once, and only the news after that', async () => {
    const { clock, reader, write, queries } = setUp();
    for (let i = 0; i < 2500; i++) write('acc_a', 'capture', NOON - 3_600_000 + i);
    expect((await reader.read()).today.charged).toBe(2500);
    // Six pages of one account, one of the other.
    expect(queries).toHaveLength(7);
    clock.at += 1000;
    await reader.read();
    expect(queries.slice(7).map(({ from }) => from)).toEqual([NOON - MINUTE, NOON - MINUTE]);
  });

  it('begins anew at midnight, and keeps the last ten minutes in sight', async () => {
    const midnight = Date.parse('2026-11-24T00:00:00Z');
    const { clock, reader, write } = setUp(midnight - 1000);
    write('acc_a', 'capture', midnight - 2000);
    expect((await reader.read()).today.charged).toBe(1);
    clock.at = midnight + 1000;
    write('acc_a', 'capture', midnight);
    const { today, lastMinute } = await reader.read();
    expect([today.charged, lastMinute.charged]).toEqual([1, 2]);
  });

  it('gives callers at the same time one look', async () => {
    const { reader, queries } = setUp();
    await Promise.all([reader.read(), reader.read(), reader.read()]);
    expect(queries).toHaveLength(2);
  });
});
