import Database from 'libsql';
import type { SqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { toIso } from '#shared/core/clock.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { holdEntry } from '#shared/service/domain/job-ledger.ts';
import type { ManualClock } from '#test/helpers/manual-clock.ts';
import {
  ACCOUNT,
  DAY,
  PRICE,
  sampleAdmission,
  sampleId,
  sampleSettlement,
} from '#test/helpers/samples.ts';

/** Writes that share a transaction. */
const AT_ONCE = 250;
/** One of so many predictions has a webhook. */
const WEBHOOK_OF = 10;
const WORK_MS = 1_500;

/** Lives through a day: orders and their ends, webhooks of some; the clock is a day on at its end. */
export async function liveDay(
  { jobs, outbox }: SqliteStores,
  clock: ManualClock,
  images: number,
  webhookOf = WEBHOOK_OF,
): Promise<void> {
  const begun = clock.now();
  for (let done = 0; done < images; done += AT_ONCE) {
    const at = begun + Math.floor((done / images) * DAY);
    clock.advance(Math.max(0, at - clock.now()));
    const numbers = Array.from({ length: Math.min(AT_ONCE, images - done) }, (_, i) => done + i);
    const admissions = numbers.map((n) => admissionAt(at, n));
    await Promise.all(admissions.map((admission) => jobs.admit(admission)));
    const ended = { captured: PRICE, completedAt: at + WORK_MS, ledgerEntryId: '' };
    await Promise.all(
      admissions.map(({ job }, i) => {
        const ledgerEntryId = sampleId(at + WORK_MS);
        const hooks = i % webhookOf === 0 ? [entryOf(job.id, at)] : [];
        return jobs.settle(sampleSettlement(job, { ...ended, ledgerEntryId, outbox: hooks }));
      }),
    );
    for (const entry of await outbox.claimDue(at + WORK_MS, at + DAY, AT_ONCE)) {
      const attempt = { entry: entry.id, number: 1, at: at + WORK_MS, durationMs: 80, status: 200 };
      await outbox.recordAttempt(attempt, { next: 'delivered' });
    }
  }
  clock.advance(begun + DAY - clock.now());
}

function admissionAt(at: number, n: number) {
  const day = toIso(at).slice(0, 10);
  const requestInput = { prompt: `a red house by the sea, number ${n}`, seed: n };
  const tags: Record<string, string> = n % 3 === 0 ? { team: `team-${n % 9}` } : {};
  return {
    ...sampleAdmission({
      createdAt: at,
      budgetDay: day,
      budgetMonth: day.slice(0, 7),
      requestInput,
      tags,
    }),
    queueLimit: 1e6,
    accountQueueLimit: 1e6,
  };
}

function entryOf(job: JobId, at: number): OutboxEntry {
  const url = 'https://example.com/hooks/pictures';
  return {
    ...{ id: `msg_${job}`, account: ACCOUNT, job, event: 'completed', url },
    ...{ createdAt: at + WORK_MS, nextAttemptAt: at + WORK_MS, attempts: 0 },
  };
}

/** Writes what days long past have left behind: the ledger's entries, and the money that was spent. */
export function writeForgottenDays(
  file: string,
  { from, days, images }: { readonly from: number; readonly days: number; readonly images: number },
): void {
  const db = new Database(file);
  const insert = db.prepare(
    'INSERT INTO ledger (id, account, kind, at, amount, job, details) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  for (let day = 0; day < days; day++) {
    db.exec('BEGIN');
    for (let n = 0; n < images; n++) {
      const at = from + day * DAY + Math.floor((n / images) * DAY);
      const { account, job, kind, amount, id, at: _, ...details } = holdEntry(admissionAt(at, n));
      const text = JSON.stringify(details);
      insert.run([id, account, kind, at, amount, job, text]);
      const end = JSON.stringify({ ...details, images: 1 });
      insert.run([sampleId(at + WORK_MS), account, 'capture', at + WORK_MS, amount, job, end]);
    }
    const spent = images * PRICE;
    db.prepare('UPDATE accounts SET balance = balance - ? WHERE id = ?').run(spent, ACCOUNT);
    db.prepare('UPDATE grants SET remaining = remaining - ? WHERE account = ?').run(spent, ACCOUNT);
    db.exec('COMMIT');
  }
  db.close();
}

/**
 * Copies the predictions of a file with their webhooks so many times, each copy a step on in time: enough rows
 * for what reads them all to be felt. Money is not copied.
 */
export function copyPredictions(
  file: string,
  { copies, stepMs }: { readonly copies: number; readonly stepMs: number },
): void {
  const db = new Database(file);
  const columnsOf = (table: string) =>
    (db.prepare(`PRAGMA table_info(${table})`).all() as { name: string }[]).map(({ name }) => name);
  db.exec('BEGIN');
  for (const table of ['jobs', 'job_tags', 'outbox', 'delivery_attempts']) {
    const columns = columnsOf(table);
    const copied = columns.map((name) => {
      if (/^(id|job|entry)$/.test(name)) return `first.${name} || '.' || n`;
      return /_at$|^at$|^deadline$/.test(name) ? `first.${name} + n * ${stepMs}` : `first.${name}`;
    });
    db.exec(`
      CREATE TEMP TABLE first AS SELECT * FROM ${table};
      INSERT INTO ${table} (${columns})
        WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${copies})
        SELECT ${copied} FROM number CROSS JOIN first;
      DROP TABLE first;
    `);
  }
  db.exec('COMMIT');
  db.close();
}
