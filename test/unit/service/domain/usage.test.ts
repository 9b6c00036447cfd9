import { expect, test } from 'vitest';
import type { KeyId } from '#shared/core/ids.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { microUsd } from '#shared/core/money.ts';
import { readUsage } from '#shared/service/domain/usage.ts';
import type { LedgerQuery } from '#shared/service/ports/ledger.ts';
import { ACCOUNT, DAY, KEY, MODEL, NOW } from '#test/helpers/samples.ts';

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
  entries: async ({ before, limit }: LedgerQuery) =>
    entries.filter(({ id }) => before === undefined || id < before).slice(0, limit),
};
const query = { account: ACCOUNT, from: 0, to: NOW + DAY };
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
