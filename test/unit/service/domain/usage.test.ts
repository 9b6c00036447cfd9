import { expect, test } from 'vitest';
import type { KeyId } from '#shared/core/ids.ts';
import { type LedgerEntry, usageOf } from '#shared/core/ledger.ts';
import { microUsd } from '#shared/core/money.ts';
import { readUsage } from '#shared/service/domain/usage.ts';
import type { LedgerQuery, UsageQuery } from '#shared/service/ports/ledger.ts';
import { ACCOUNT, DAY, HOUR, KEY, MODEL, NOW } from '#test/helpers/samples.ts';

/** 2,500 captures over five days, and as many entries of other kinds between them. */
const entries: readonly LedgerEntry[] = Array.from({ length: 5000 }, (_, i) => ({
  id: String(900_000 - i),
  account: ACCOUNT,
  kind: i % 2 === 0 ? ('capture' as const) : ('hold' as const),
  at: NOW - Math.floor(i / 1000) * DAY,
  amount: microUsd(i),
  key: (i % 4 === 0 ? KEY : 'key0000000000002') as KeyId,
  model: MODEL.name,
  images: 2,
  ...(i % 10 === 0 ? { tags: { team: 'blue' } } : {}),
}));

const ledger = {
  entries: async ({ before, limit, from = 0, to = NOW + DAY }: LedgerQuery) =>
    entries
      .filter(({ id, at }) => (before === undefined || id < before) && at >= from && at < to)
      .slice(0, limit),
  usage: async ({ from, to, after = '0', limit }: UsageQuery) => {
    const rows = captured.map(usageOf).filter(({ day }) => day >= from && day < to);
    const next = Number(after) + limit;
    return {
      rows: rows.slice(Number(after), next),
      ...(next < rows.length && { next: String(next) }),
    };
  },
};
const query = { account: ACCOUNT, from: 0, to: NOW + DAY, now: NOW };
const captured = entries.filter(({ kind }) => kind === 'capture');
const total = captured.reduce((sum, { amount }) => sum + amount, 0);

test.each([
  [[], 1],
  [['day'], 5],
  [['key'], 2],
  [['model'], 1],
  [['tag:team'], 2],
  [['day', 'key', 'tag:team'], 20],
] as const)('usage by %j sums to what was captured', async (by, rows) => {
  const usage = await readUsage(ledger, { ...query, by });
  expect(usage.total).toEqual({ jobs: 2500, images: 5000, amount: total });
  expect(usage.rows).toHaveLength(rows);
  expect(usage.rows.reduce((sum, { amount }) => sum + amount, 0)).toBe(total);
  expect(usage.rows.reduce((sum, { images }) => sum + images, 0)).toBe(5000);
});

test('rows name their group; what has no such tag stands under an empty one', async () => {
  const usage = await readUsage(ledger, { ...query, by: ['tag:team'] });
  expect(usage.rows.map(({ group, jobs }) => [group['tag:team'], jobs])).toEqual([
    ['', 2000],
    ['blue', 500],
  ]);
});

test.each([
  ['within a day', NOW - 2 * HOUR, NOW - HOUR],
  ['from within a day to within another', NOW - 3 * DAY - HOUR, NOW - DAY + HOUR],
  ['from within a day to now', NOW - 3 * DAY - HOUR, NOW],
  ['of whole days', Date.UTC(2026, 10, 20), Date.UTC(2026, 10, 22)],
  ['from a time at which an entry was made', NOW - 2 * DAY, NOW - DAY],
])('a period %s has what was captured in it', async (_name, from, to) => {
  const wanted = captured.filter(({ at }) => at >= from && (at < to || to === NOW));
  const usage = await readUsage(ledger, { ...query, from, to, by: [] });
  expect(usage.total).toEqual({
    jobs: wanted.length,
    images: 2 * wanted.length,
    amount: wanted.reduce((sum, { amount }) => sum + amount, 0),
  });
});

test('of time whose entries may be compacted, days are told whole', async () => {
  const now = NOW + 401 * DAY;
  const from = NOW - 2 * DAY + HOUR;
  const days = (by: number) =>
    readUsage(ledger, { ...query, now, from, to: NOW - by, by: ['day'] });
  const rows = async (by: number) =>
    (await days(by)).rows.map(({ group, jobs }) => [group['day'], jobs]);
  const whole = [
    ['2026-11-21', 500],
    ['2026-11-22', 500],
  ];
  expect(await rows(DAY - HOUR)).toEqual(whole);
  expect(await rows(DAY + HOUR)).toEqual(whole);
});

test('more groups than one answer should have are refused', async () => {
  const tagged = captured.map((entry, i) => ({ ...entry, tags: { order: String(i) } }));
  const many = {
    ...ledger,
    usage: async () => ({
      rows: [...tagged, ...tagged, ...tagged]
        .map(usageOf)
        .map((used, i) => ({ ...used, key: String(i) })),
    }),
  };
  await expect(readUsage(many, { ...query, by: ['key'] })).rejects.toMatchObject({
    code: 'invalid-request',
    message: expect.stringContaining('more than 5000 groups'),
  });
});
