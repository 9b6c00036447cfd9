import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSqliteStores, type SqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import type { JobId, KeyId } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import { fromRoot } from '#test/helpers/root.ts';
import {
  ACCOUNT,
  DAY,
  fund,
  MODEL,
  NOW,
  PRICE,
  sampleAdmission,
  sampleAudit,
  sampleGrant,
  sampleKey,
  sampleReversal,
  sampleSettlement,
} from '#test/helpers/samples.ts';

/** The ledger as it was before payments could be taken back. */
const AS_VERSION_11 = `
  CREATE TABLE old_ledger (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL CHECK (kind IN ('grant', 'hold', 'capture', 'release', 'expiry')),
    at INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    job TEXT,
    details TEXT NOT NULL
  ) STRICT;
  INSERT INTO old_ledger SELECT * FROM ledger;
  DROP TABLE ledger;
  ALTER TABLE old_ledger RENAME TO ledger;
  CREATE INDEX ledger_by_account ON ledger (account, id);
  CREATE UNIQUE INDEX ledger_one_hold ON ledger (job) WHERE kind = 'hold';
  CREATE UNIQUE INDEX ledger_one_end ON ledger (job) WHERE kind IN ('capture', 'release');
  CREATE TRIGGER ledger_adds_up AFTER INSERT ON ledger WHEN NEW.kind IN ('grant', 'capture', 'expiry')
  BEGIN
    INSERT INTO ledger_sums VALUES (NEW.account, NEW.kind, NEW.amount)
      ON CONFLICT (account, kind) DO UPDATE SET amount = amount + excluded.amount;
  END;
  ALTER TABLE accounts DROP COLUMN owed;
  DROP TABLE usage_days;
  DROP TABLE auto_topups;
  DROP TABLE invitations; DROP INDEX accounts_to_erase; ALTER TABLE accounts DROP COLUMN deleted_at; ALTER TABLE accounts DROP COLUMN erased_at; DROP INDEX outbox_lanes; ALTER TABLE outbox DROP COLUMN lane; PRAGMA user_version = 11;
`;
const ADD_REVERSAL = `INSERT INTO ledger VALUES ('x', '${ACCOUNT}', 'reversal', 1, 1, NULL, '{}')`;

describe('SQLite stores', () => {
  let folder: string;
  let stores: SqliteStores | undefined;
  const open = (): SqliteStores => {
    const clock = createManualClock();
    stores = openSqliteStores({ folder, clock, randomBytes: createCountedBytes() });
    return stores;
  };
  const close = () => {
    stores?.close();
    stores = undefined;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'onestep-sqlite-'));
  });
  afterEach(async () => {
    close();
    await rm(folder, { recursive: true });
  });

  test('everything is there after closing and opening again', async () => {
    const first = open();
    await fund(first.ledger, 10 * PRICE);
    const job = sampleAdmission({ tags: { team: 'blue' } });
    await first.jobs.admit(job);
    const before = await first.jobs.get(job.job.id);
    close();
    const second = open();
    expect(await second.jobs.get(job.job.id)).toEqual(before);
    expect(await second.ledger.getAccount(ACCOUNT)).toMatchObject({ held: PRICE });
    await expectInvariant(second.ledger);
  });

  test('closing leaves everything in the database, and nothing in its log', async () => {
    const { ledger } = open();
    await fund(ledger, 10 * PRICE);
    close();
    const log = join(folder, 'onestep.sqlite-wal');
    expect(existsSync(log) ? statSync(log).size : 0).toBe(0);
    const db = new Database(join(folder, 'onestep.sqlite'), { readonly: true });
    expect(db.prepare('SELECT count(*) AS n FROM ledger').get()).toMatchObject({ n: 1 });
    db.close();
  });

  test('after closing every read and write is refused, and the process lives', async () => {
    const { jobs, ledger, keys, outbox } = open();
    await fund(ledger, 10 * PRICE);
    const admission = sampleAdmission();
    const admitted = jobs.admit(admission);
    stores?.close();
    stores?.close();
    expect(await admitted).toMatchObject({ outcome: 'admitted' });
    const late = [
      jobs.get(admission.job.id),
      jobs.admit(sampleAdmission()),
      jobs.markAnswered(admission.job.id),
      ledger.getAccount(ACCOUNT),
      keys.list(ACCOUNT),
      outbox.claimDue(NOW, NOW, 1),
    ];
    for (const result of await Promise.allSettled(late)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    }
    close();
    expect(await open().jobs.get(admission.job.id)).toMatchObject({ status: 'starting' });
  });

  test('an admission that is repeated when nothing is left stays admitted', async () => {
    const { jobs, ledger } = open();
    await fund(ledger, PRICE);
    const admission = { ...sampleAdmission(), queueLimit: 1 };
    const first = await jobs.admit(admission);
    expect(await jobs.admit(admission)).toEqual(first);
    expect(await ledger.getAccount(ACCOUNT)).toMatchObject({ balance: 0, held: PRICE });
  });

  test('a balance is never older than the last commit', async () => {
    const { jobs, ledger } = open();
    await fund(ledger, 2 * PRICE);
    expect(await ledger.getAccount(ACCOUNT)).toMatchObject({ balance: 2 * PRICE });
    await jobs.admit(sampleAdmission());
    expect(await ledger.getAccount(ACCOUNT)).toMatchObject({ balance: PRICE, held: PRICE });
  });

  test('counts open jobs of earlier processes against the queue limit', async () => {
    await fund(open().ledger, 10 * PRICE);
    await stores?.jobs.admit(sampleAdmission());
    close();
    const result = await open().jobs.admit(sampleAdmission({}, { queueLimit: 1 }));
    expect(result).toEqual({ outcome: 'queue-full', depth: 1, of: 'all' });
  });

  test('what is still waiting to be written is written when closing', async () => {
    await fund(open().ledger, 10 * PRICE);
    const job = sampleAdmission();
    const pending = stores?.jobs.admit(job);
    close();
    expect(await pending).toMatchObject({ outcome: 'admitted' });
    expect(await open().jobs.get(job.job.id)).toBeDefined();
  });

  test('a folder has one process; the message names the other', () => {
    open();
    expect(() =>
      openSqliteStores({ folder, clock: createManualClock(), randomBytes: createCountedBytes() }),
    ).toThrow(new RegExp(`in use by another Onestep process \\(pid ${process.pid}\\)`));
    close();
    expect(() => open()).not.toThrow();
  });

  test('a file of a newer version is refused, and the folder stays free', async () => {
    open();
    close();
    const db = new Database(join(folder, 'onestep.sqlite'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(() => open()).toThrow('written by a newer Onestep (format 99');
    expect(() => open()).toThrow('written by a newer Onestep');
  });

  test('keys of a file of version 3 keep the key whose budget they share', async () => {
    const { ledger, keys } = open();
    await fund(ledger, 0);
    const [first, second] = [sampleKey(), sampleKey({ id: 'second0000000000' as KeyId })];
    for (const key of [first, second]) await keys.create(key, sampleAudit());
    close();
    const file = new Database(join(folder, 'onestep.sqlite'));
    file
      .prepare("UPDATE keys SET data = json_insert(data, '$.root', ?) WHERE id = ?")
      .run(first.id, second.id);
    file.exec(
      'DROP TRIGGER usage_adds_up; DROP TRIGGER ledger_compacts; DROP TABLE usage_days; DROP INDEX jobs_by_account; DROP INDEX jobs_removable; ALTER TABLE jobs DROP COLUMN preview; DROP TRIGGER ledger_adds_up; DROP TABLE ledger_sums; DROP TABLE running_cancels; ALTER TABLE jobs DROP COLUMN payment; DROP TABLE unpaid_work; DROP TABLE account_hooks; ALTER TABLE outbox DROP COLUMN body; DROP INDEX webhook_health_by_change; ALTER TABLE webhook_health DROP COLUMN changed_at; DROP INDEX jobs_removed; DROP INDEX outbox_over; ALTER TABLE jobs DROP COLUMN refusals; ALTER TABLE accounts DROP COLUMN owed; DROP TABLE auto_topups; DROP TABLE invitations; DROP INDEX accounts_to_erase; ALTER TABLE accounts DROP COLUMN deleted_at; ALTER TABLE accounts DROP COLUMN erased_at; DROP INDEX outbox_lanes; ALTER TABLE outbox DROP COLUMN lane; PRAGMA user_version = 3',
    );
    file.close();
    const again = open().keys;
    expect(await again.get(first.id)).toEqual(first);
    expect(await again.get(second.id)).toEqual({ ...second, budgetKey: first.id });
  });

  test('holds of a file of version 1 take their credit from the grants that pay for them', async () => {
    const { ledger, jobs } = open();
    await fund(ledger, 0);
    await ledger.grant(sampleGrant(10, { expiresAt: NOW + DAY }));
    await ledger.grant(sampleGrant(5));
    await ledger.grant(sampleGrant(7, { expiresAt: NOW + 2 * DAY }));
    const orders = [4, 9, 6].map((hold, i) =>
      sampleAdmission({ hold: microUsd(hold), createdAt: NOW + i }),
    );
    for (const order of orders) await jobs.admit(order);
    close();
    const file = new Database(join(folder, 'onestep.sqlite'));
    const sources = file.prepare('SELECT sources FROM jobs ORDER BY id');
    const grants = file.prepare('SELECT * FROM grants ORDER BY entry');
    const after = [sources.all(), grants.all()];
    // As version 1 left it: what is held is still in the grants.
    for (const row of sources.all() as { sources: string }[]) {
      for (const [entry, amount] of JSON.parse(row.sources)) {
        file
          .prepare('UPDATE grants SET remaining = remaining + ? WHERE entry = ?')
          .run(amount, entry);
      }
    }
    file.exec(
      'DROP TRIGGER usage_adds_up; DROP TRIGGER ledger_compacts; DROP TABLE usage_days; ALTER TABLE jobs DROP COLUMN sources; ALTER TABLE jobs DROP COLUMN progress; ALTER TABLE jobs DROP COLUMN refusals; DROP TABLE running_cancels; ALTER TABLE jobs DROP COLUMN payment; DROP TABLE unpaid_work; DROP TABLE account_hooks; ALTER TABLE outbox DROP COLUMN body; DROP INDEX webhook_health_by_change; ALTER TABLE webhook_health DROP COLUMN changed_at; DROP INDEX jobs_removed; DROP INDEX outbox_over; DROP INDEX jobs_by_account; DROP INDEX jobs_removable; ALTER TABLE jobs DROP COLUMN preview; DROP TRIGGER ledger_adds_up; DROP TABLE ledger_sums; ALTER TABLE accounts DROP COLUMN owed; DROP TABLE auto_topups; DROP TABLE invitations; DROP INDEX accounts_to_erase; ALTER TABLE accounts DROP COLUMN deleted_at; ALTER TABLE accounts DROP COLUMN erased_at; DROP INDEX outbox_lanes; ALTER TABLE outbox DROP COLUMN lane; PRAGMA user_version = 1',
    );
    file.close();
    const second = open();
    const again = new Database(join(folder, 'onestep.sqlite'));
    const found = ['SELECT sources FROM jobs ORDER BY id', 'SELECT * FROM grants ORDER BY entry'];
    expect(found.map((query) => again.prepare(query).all())).toEqual(after);
    again.close();
    for (const { job } of orders) {
      await second.jobs.settle(sampleSettlement(job, { captured: microUsd(2) }));
    }
    await second.ledger.expireCredits(NOW + DAY, 10);
    expect(await second.ledger.totals()).toEqual({
      granted: 22,
      captured: 6,
      // Of the first grant the first two jobs spent two each and gave back the rest; so did the second.
      expired: 4 - 2 + 6 - 2,
      held: 0,
      balances: 10,
      owed: 0,
      reversed: 0,
    });
    await expectInvariant(second.ledger);
  });

  test('the ledger of a file of version 11 is there, adds up, and takes reversals', async () => {
    const { ledger, jobs } = open();
    await fund(ledger, 10 * PRICE);
    const { job } = sampleAdmission();
    await jobs.admit(sampleAdmission({ id: job.id }));
    await jobs.settle(sampleSettlement(job, { captured: PRICE }));
    const before = [await ledger.totals(), await ledger.entries({ account: ACCOUNT, limit: 10 })];
    close();
    const file = new Database(join(folder, 'onestep.sqlite'));
    file.exec(AS_VERSION_11);
    expect(() => file.exec(ADD_REVERSAL)).toThrow('CHECK');
    file.close();

    const { ledger: again } = open();
    expect([await again.totals(), await again.entries({ account: ACCOUNT, limit: 10 })]).toEqual(
      before,
    );
    await again.reverse(sampleReversal(10 * PRICE));
    expect(await again.getAccount(ACCOUNT)).toMatchObject({ balance: 0, owed: PRICE });
    await expectInvariant(again);
    const migrated = new Database(join(folder, 'onestep.sqlite'));
    expect(() => migrated.exec(ADD_REVERSAL.replace('reversal', 'gift'))).toThrow('CHECK');
    const second =
      "INSERT INTO ledger SELECT id || 'x', account, kind, at, amount, job, details FROM ledger WHERE kind = ";
    for (const kind of ['hold', 'capture', 'reversal']) {
      expect(() => migrated.exec(`${second}'${kind}'`)).toThrow('UNIQUE');
    }
    migrated.close();
  });

  test('a folder that can not be written is refused by its name', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const place of [file, join(file, 'below')]) {
      const options = {
        folder: place,
        clock: createManualClock(),
        randomBytes: createCountedBytes(),
      };
      expect(() => openSqliteStores(options)).toThrow(`Can't keep data in ${place}: `);
    }
  });

  test('a database that others could read is for its owner alone from now on', async () => {
    open();
    close();
    const file = join(folder, 'onestep.sqlite');
    await chmod(file, 0o644);
    await fund(open().ledger, 1);
    for (const name of [file, `${file}-wal`, `${file}-shm`]) {
      expect(statSync(name).mode & 0o777, name).toBe(0o600);
    }
  });

  test('a file that is no database is refused', async () => {
    await writeFile(join(folder, 'onestep.sqlite'), 'x'.repeat(5000));
    expect(() => open()).toThrow();
  });

  test('one write that fails undoes itself and nothing else of its group', async () => {
    const { jobs, ledger } = open();
    await fund(ledger, 10 * PRICE);
    const taken = sampleAdmission();
    await jobs.admit(taken);
    const good = sampleAdmission();
    // The second entry id is taken: the insert fails in the middle of its transaction.
    const results = await Promise.allSettled([
      jobs.admit(good),
      jobs.admit(sampleAdmission({}, { ledgerEntryId: taken.ledgerEntryId })),
      jobs.admit(sampleAdmission()),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await jobs.list({ account: ACCOUNT, limit: 10 })).toHaveLength(3);
    expect(await ledger.getAccount(ACCOUNT)).toMatchObject({ held: 3 * PRICE });
    await expectInvariant(ledger);
    const limited = await jobs.admit(sampleAdmission({}, { queueLimit: 3 }));
    expect(limited).toEqual({ outcome: 'queue-full', depth: 3, of: 'all' });
  });

  test('idempotency records that expired do not pile up', async () => {
    const { jobs, ledger } = open();
    await fund(ledger, 1000 * PRICE);
    const idempotency = { scope: 'old', expiresAt: NOW + 1 };
    await jobs.admit(sampleAdmission({}, { idempotency }));
    const later = { createdAt: NOW + 1 };
    await Promise.all(Array.from({ length: 256 }, () => jobs.admit(sampleAdmission(later))));
    close();
    const db = new Database(join(folder, 'onestep.sqlite'));
    expect(db.prepare('SELECT scope FROM idempotency').all()).toEqual([]);
    db.close();
  });

  test('what is asked all the time goes by an index, however long the queue', async () => {
    open();
    close();
    const db = new Database(join(folder, 'onestep.sqlite'));
    const plan = (sql: string) =>
      (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[])
        .map(({ detail }) => detail)
        .join('; ');
    expect(
      plan("SELECT id, rank FROM jobs WHERE model = 'm' AND waiting = 1 ORDER BY rank, id LIMIT 1"),
    ).toMatch(/^SEARCH jobs USING (COVERING )?INDEX jobs_waiting \(model=\?\)$/);
    for (const [sql, index] of [
      ['SELECT * FROM jobs WHERE completed_at IS NULL AND due_at <= 1 ORDER BY due_at', 'jobs_due'],
      ['UPDATE jobs SET waiting = 1 WHERE lease_expires_at <= 1', 'jobs_leased'],
      [
        'SELECT * FROM jobs WHERE preview = 1 AND completed_at < 1 AND data_removed_at IS NULL ORDER BY completed_at',
        'jobs_removable',
      ],
      [
        "SELECT id FROM jobs WHERE key = 'k' AND body_hash = 'b' AND answered <> 1",
        'jobs_unanswered',
      ],
      [
        "SELECT entry FROM grants WHERE account = 'a' AND remaining > 0 ORDER BY expires_at, entry",
        'grants_to_draw',
      ],
    ] as const) {
      expect(plan(sql)).toMatch(new RegExp(`^SEARCH \\w+ USING (COVERING )?INDEX ${index} [^;]*$`));
    }
    db.close();
  });

  test('after kill -9 all that was acknowledged is there, and the books are right', async () => {
    const { ledger } = open();
    await fund(ledger, 1_000_000 * PRICE);
    close();
    const script = fromRoot('test/helpers/store-writer.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.length > 20_000) child.kill('SIGKILL');
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(await readFile(join(folder, 'lock.pid'), 'utf8')).toBe(String(child.pid));

    const { jobs, ledger: books } = open();
    // The last line may have been cut off.
    const lines = output.split('\n').slice(0, -1);
    expect(lines.length).toBeGreaterThan(100);
    for (const line of lines) {
      const [id = '', settled] = line.split(' ');
      const job = await jobs.get(id as JobId);
      expect(job, `job ${id} was acknowledged`).toBeDefined();
      if (settled !== undefined) expect(job?.status).toBe('succeeded');
    }
    const totals = await books.totals();
    expect(totals.balances + totals.held).toBe(totals.granted - totals.captured);
    const claimed = await jobs.claimNext(MODEL.name, NOW, 1000);
    expect(await jobs.settle(sampleSettlement({ id: claimed?.id as JobId }))).toMatchObject({
      changed: true,
    });
  });
});
