import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { DATABASE_FILE, openSqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { microUsd } from '#shared/core/money.ts';
import { createStatements, monthOf } from '#shared/service/domain/statement.ts';
import { readUsage } from '#shared/service/domain/usage.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { allEntries, expectInvariant } from '#test/helpers/invariant.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import {
  ACCOUNT,
  DAY,
  fund,
  HOUR,
  OTHER_ACCOUNT,
  PRICE,
  sampleAdmission,
  sampleId,
  sampleSettlement,
} from '#test/helpers/samples.ts';

const START = Date.UTC(2026, 0, 15);
const MARCH = Date.UTC(2026, 2, 1);

async function setUp() {
  const folder = await mkdtemp(join(tmpdir(), 'onestep-compact-'));
  const clock = createManualClock(START);
  const stores = openSqliteStores({
    ...{ folder, synchronous: 'normal', clock },
    randomBytes: createCountedBytes(),
  });
  onTestFinished(async () => {
    stores.close();
    await rm(folder, { recursive: true });
  });
  for (const account of [ACCOUNT, OTHER_ACCOUNT]) await fund(stores.ledger, 500 * PRICE, account);
  /** A prediction that is charged in part, for its time, or not at all. */
  const run = async (at: number, captured?: number, account = ACCOUNT, tookMs = HOUR) => {
    clock.advance(at - clock.now());
    const { job } = sampleAdmission();
    await stores.jobs.admit(
      sampleAdmission(
        { id: job.id, account, createdAt: at, hold: microUsd(2 * PRICE), tags: { n: `${at % 3}` } },
        { ledgerEntryId: sampleId(at) },
      ),
    );
    const end = { completedAt: at + tookMs, ledgerEntryId: sampleId(at + tookMs) };
    await stores.jobs.settle(
      sampleSettlement(job, { ...end, ...(captured && { captured: microUsd(captured) }) }),
    );
  };
  for (let day = 0; day < 60; day++) {
    await run(START + day * DAY, 1000 + day);
    if (day % 7 === 0) await run(START + day * DAY + 1, undefined);
    if (day % 5 === 0) await run(START + day * DAY + 2, 2 * PRICE, OTHER_ACCOUNT);
  }
  const { job } = sampleAdmission();
  await stores.jobs.admit(sampleAdmission({ id: job.id, createdAt: START + DAY }));
  return { folder, stores, clock };
}
type Stores = Awaited<ReturnType<typeof setUp>>['stores'];

/** All that is read of the money: it is the same, whatever was compacted. */
async function read({ ledger }: Stores, now: number) {
  const statements = createStatements({ ledger, clock: { now: () => now } });
  const period = { from: START - DAY, to: START + 90 * DAY, now };
  const of = async (account: typeof ACCOUNT) => ({
    usage: await readUsage(ledger, { account, ...period, by: ['day', 'tag:n'] }),
    account: await ledger.getAccount(account),
    totals: await ledger.totals(account),
    months: await Promise.all(
      ['2026-01', '2026-02', '2026-03', '2026-04'].map(async (month) => {
        const { opening, closing, sums } = await statements.read(account, monthOf(month));
        return { opening, closing, sums };
      }),
    ),
  });
  return [await of(ACCOUNT), await of(OTHER_ACCOUNT)];
}

test('months that are through become one capture each; balances, statements and usage stay as they were', async () => {
  const { stores } = await setUp();
  const now = START + 500 * DAY;
  const before = await read(stores, now);
  const recent = (await allEntries(stores.ledger, ACCOUNT)).filter(({ at }) => at >= MARCH);
  let taken = 0;
  for (let ends = -1; ends !== 0; taken += ends) {
    ends = await stores.records.compactLedger(MARCH + 5 * DAY, 4);
    expect(ends).toBeLessThanOrEqual(4);
    expect(await read(stores, now)).toEqual(before);
    await expectInvariant(stores.ledger);
  }
  expect(taken).toBe(45 + 7 + 9);
  const entries = await allEntries(stores.ledger, ACCOUNT);
  expect(entries.filter(({ at }) => at >= MARCH)).toEqual(recent);
  const old = entries.filter(({ at }) => at < MARCH);
  // The hold is of a job that is open.
  expect(old.map(({ kind, at, jobs, images }) => [kind, at, jobs, images])).toEqual([
    ['capture', MARCH - 1, 28, 28],
    ['capture', Date.UTC(2026, 1, 1) - 1, 17, 17],
    ['hold', START + DAY, undefined, undefined],
  ]);
});

test('a month whose days say something else is not compacted to its end', async () => {
  const { folder, stores } = await setUp();
  const file = new Database(join(folder, DATABASE_FILE));
  file.exec("UPDATE usage_days SET amount = amount + 1 WHERE day = '2026-02-03'");
  file.close();
  const compact = () => stores.records.compactLedger(MARCH, 30);
  await expect(
    (async () => {
      while ((await compact()) > 0);
    })(),
  ).rejects.toThrow(/The ledger of .* for 2026-02 has \d+ amount, and the sums of its days \d+/);
  const left = (await allEntries(stores.ledger, ACCOUNT)).filter(
    ({ kind, at, job }) => kind === 'capture' && job !== undefined && at < MARCH,
  );
  expect(left.length).toBeGreaterThan(0);
  await expectInvariant(stores.ledger);
});
