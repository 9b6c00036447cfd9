import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openSqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';

/** Indexes of open jobs alone: going through one is no scan of the table. */
const OF_OPEN_JOBS = /^SCAN jobs USING (COVERING )?INDEX jobs_(waiting|due)$/;
/** What only the operator asks for, about all accounts: a row or three of each, and none of the ledger. */
const OF_EVERYTHING = [
  / FROM accounts( ORDER|$)/,
  / FROM account_hooks ORDER/,
  / FROM invitations ORDER/,
  /^SELECT kind, sum.* FROM ledger_sums/,
];

test('no statement of the stores reads a table from end to end, but the sums of an operator', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onestep-plans-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const prepare = vi.spyOn(Database.prototype, 'prepare');
  onTestFinished(() => prepare.mockRestore());
  const clock = createManualClock();
  const stores = openSqliteStores({
    folder,
    synchronous: 'normal',
    clock,
    randomBytes: createCountedBytes(),
  });
  const texts = new Set(prepare.mock.calls.map(([sql]) => String(sql)));
  prepare.mockRestore();
  await stores.close();

  const db = new Database(join(folder, 'onestep.sqlite'));
  onTestFinished(() => void db.close());
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  const names = new Set((tables as { name: string }[]).map(({ name }) => name));
  const isScan = (detail: string) =>
    names.has(/^SCAN (\w+)/.exec(detail)?.[1] ?? '') && !OF_OPEN_JOBS.test(detail);
  const scans = [...texts]
    .filter((sql) => !OF_EVERYTHING.some((text) => text.test(sql)))
    .filter((sql) => /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)/i.test(sql))
    .flatMap((sql) =>
      (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[])
        .filter(({ detail }) => isScan(detail))
        .map(({ detail }) => `${detail}: ${sql}`),
    );
  expect(texts.size).toBeGreaterThan(40);
  expect(scans).toEqual([]);
});
