import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  DATABASE_FILE,
  openSqliteStores,
  type SqliteStores,
} from '#shared/adapters/sqlite/sqlite-stores.ts';
import { readUsage, type UsageGroup } from '#shared/service/domain/usage.ts';
import { timeTurns } from '#test/bench/turns.ts';
import { writeForgottenDays } from '#test/bench/year-days.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import { ACCOUNT, DAY, fund, HOUR, NOW, PRICE } from '#test/helpers/samples.ts';

const DAYS = 10;
const PREDICTIONS = 100_000;
/** Of processor time: what else the machine does is not in it. */
const LONGEST_TURN_MS = 20;

const clock = createManualClock(NOW + DAYS * DAY);
let folder: string;
let stores: SqliteStores;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onestep-turns-'));
  const open = () =>
    openSqliteStores({ folder, synchronous: 'normal', clock, randomBytes: createCountedBytes() });
  const first = open();
  await fund(first.ledger, PREDICTIONS * PRICE);
  first.close();
  writeForgottenDays(join(folder, DATABASE_FILE), {
    ...{ from: NOW, days: DAYS, images: PREDICTIONS / DAYS },
  });
  stores = open();
});
afterAll(async () => {
  stores.close();
  await rm(folder, { recursive: true });
});

const usage = (by: readonly UsageGroup[], from: number, to: number) =>
  readUsage(stores.ledger, { account: ACCOUNT, from, to, by, now: clock.now() });

test.each([
  ['the whole time', 1, NOW - DAY, NOW + 20 * DAY],
  ['the whole time, for eight readers at once', 8, NOW - DAY, NOW + 20 * DAY],
  ['parts of two days', 1, NOW + HOUR, NOW + 2 * DAY - HOUR],
  ['parts of two days, for three readers at once', 3, NOW + HOUR, NOW + 2 * DAY - HOUR],
] as const)(
  'usage of 100,000 predictions, %s, lets others have their turn within 20 ms',
  async (_name, readers, from, to) => {
    const times = await timeTurns(() =>
      Promise.all(Array.from({ length: readers }, () => usage(['day', 'tag:team'], from, to))),
    );
    expect(times.longest_turn_cpu_ms).toBeLessThan(LONGEST_TURN_MS);
  },
);

test('and sums to what the ledger has captured', async () => {
  const { total } = await usage(['day'], NOW - DAY, NOW + 20 * DAY);
  const { captured } = await stores.ledger.totals(ACCOUNT);
  expect(total).toEqual({ jobs: PREDICTIONS, images: PREDICTIONS, amount: captured });
});
