import type Database from 'libsql';
import type { Clock } from '#shared/core/clock.ts';
import { type JobId, type RandomBytes, ulidFloor } from '#shared/core/ids.ts';
import { isWaiting, type Job } from '#shared/core/job.ts';
import type { JobQuery, JobStore } from '#shared/service/ports/job-store.ts';
import { createRequestCancel } from './cancel-rows.ts';
import { createCreditRows } from './credit-rows.ts';
import type { Writer } from './group-commit.ts';
import { createAdmit } from './job-admission.ts';
import { createJobEnd } from './job-end.ts';
import { createJobQueue } from './job-queue.ts';
import { type JobRow, toJob } from './job-rows.ts';
import { createOpenJobs } from './open-jobs.ts';
import { createPaymentRows } from './payment-rows.ts';
import { createQueuePositions } from './queue-positions.ts';

/** How far a job's time of creation may be from the time in its id. */
const ID_SLACK_MS = 60_000;
/** Sorts behind every id. */
const LAST_ID = '~';

export function createSqliteJobStore(
  db: Database.Database,
  writer: Writer,
  { clock, randomBytes }: { readonly clock: Clock; readonly randomBytes: RandomBytes },
): JobStore {
  const select = db.prepare('SELECT * FROM jobs WHERE id = ?');
  const selectUnanswered = db.prepare(
    'SELECT id FROM jobs WHERE key = ? AND body_hash = ? AND answered <> 1 AND answered >= ? ' +
      'AND created_at >= ? ORDER BY id DESC LIMIT 1',
  );
  const find = db.prepare('UPDATE jobs SET answered = 1 WHERE id = ?');
  const answer = db.prepare(
    'UPDATE jobs SET answered = 1 WHERE id IN (SELECT value FROM json_each(?)) AND answered = 0',
  );
  const answerAll = (ids: readonly JobId[]): undefined[] => {
    answer.run([JSON.stringify(ids)]);
    return ids.map(() => undefined);
  };
  const park = db.prepare('UPDATE jobs SET answered = 2 WHERE id = ?');
  const selectOverdue = db.prepare(
    'SELECT * FROM jobs WHERE completed_at IS NULL AND due_at <= ? ORDER BY due_at LIMIT ?',
  );
  const selectRemovable = db.prepare(
    'SELECT * FROM jobs WHERE preview = ? AND completed_at < ? AND data_removed_at IS NULL ' +
      'ORDER BY completed_at LIMIT ?',
  );
  const selectScope = db.prepare('SELECT job FROM idempotency WHERE scope = ? AND expires_at > ?');
  const countWaiting = db.prepare('SELECT count(*) AS count FROM jobs WHERE waiting = 1');

  const inTransaction =
    <Args extends unknown[], Result>(run: (...args: Args) => Result) =>
    (...args: Args) =>
      writer.write(() => run(...args));
  const getJob = (id: JobId): Job | undefined => {
    const row = select.get(id) as JobRow | undefined;
    return row && toJob(row);
  };

  const open = createOpenJobs(db, writer);
  const credit = createCreditRows(db, randomBytes);
  const payments = createPaymentRows(db, getJob);
  const parts = { db, getJob, open, credit, payments };
  const admit = createAdmit(parts);
  const queue = createJobQueue(db, getJob);
  const end = createJobEnd(parts);
  const position = createQueuePositions(db, clock);
  const list = createList(db);

  return {
    admit: (admission) => writer.writeTogether(admit, admission),
    get: async (id) => getJob(id),
    list: async (query) => list(query),

    async takeUnanswered(key, bodyHash, since, only) {
      const select = () =>
        selectUnanswered.get(key, bodyHash, only === 'parked' ? 2 : 0, since) as
          | { id: JobId }
          | undefined;
      // Nearly always there is none, and finding that out needs no transaction.
      if (select() === undefined) return undefined;
      return writer.write(() => {
        const row = select();
        if (row === undefined) return undefined;
        find.run(row.id);
        return getJob(row.id);
      });
    },

    park: inTransaction((id) => void park.run(id)),

    // Lost in a crash, it lets a retry find a job whose answer did arrive: worth no fsync.
    markAnswered: (id) => writer.writeTogether(answerAll, id, true),

    extendAttach: inTransaction(queue.extendAttach),
    claimNext: inTransaction(queue.claimNext),
    renewLease: inTransaction(queue.renewLease),
    giveBack: inTransaction(queue.giveBack),
    giveBackAll: inTransaction(queue.giveBackAll),
    markStarted: inTransaction(queue.markStarted),
    noteProgress: inTransaction(queue.noteProgress),
    requestCancel: inTransaction(createRequestCancel(db, getJob)),
    async findByScope(scope, now) {
      const row = selectScope.get(scope, now) as { job: JobId } | undefined;
      return row && getJob(row.job);
    },
    keepMade: inTransaction(payments.keepMade),
    noteSettling: inTransaction(payments.noteSettling),
    settle: inTransaction(end.settle),
    removeData: inTransaction(end.removeData),

    async listOverdue(now, limit) {
      return (selectOverdue.all(now, limit) as JobRow[]).map(toJob);
    },

    async listRemovable(completedBefore, limit, which = 'kept') {
      const preview = which === 'previews' ? 1 : 0;
      return (selectRemovable.all(preview, completedBefore, limit) as JobRow[]).map(toJob);
    },

    queueDepth: async () => (countWaiting.get() as { count: number }).count,

    queuePosition: async (job) => (isWaiting(job) ? position(job) : undefined),
  };
}

/** Pages of an account's jobs. */
function createList(db: Database.Database): (query: JobQuery) => readonly Job[] {
  const prepare = (from: string, id: string, order: 'DESC' | 'ASC') =>
    db.prepare(
      `SELECT j.* FROM ${from}.account = ? AND ${id} > ? AND ${id} < ? AND j.preview = 0 AND ` +
        `j.created_at >= ? AND j.created_at < ? ORDER BY ${id} ${order} LIMIT ?`,
    );
  const all = 'jobs j WHERE j';
  // CROSS: by the tags first. Going through the account's jobs, a tag that none has would read them all.
  const tagged =
    'job_tags t CROSS JOIN jobs j ON j.id = t.job WHERE t.name = ? AND t.value = ? AND t';
  const statements = {
    all: { DESC: prepare(all, 'j.id', 'DESC'), ASC: prepare(all, 'j.id', 'ASC') },
    tagged: { DESC: prepare(tagged, 't.job', 'DESC'), ASC: prepare(tagged, 't.job', 'ASC') },
  };

  return ({ account, before, after, createdAfter, createdBefore, tag, limit }) => {
    const order = after !== undefined && before === undefined ? 'ASC' : 'DESC';
    const floor = createdAfter === undefined ? '' : ulidFloor(createdAfter - ID_SLACK_MS);
    const least = after !== undefined && after > floor ? after : floor;
    // What is newer than all that is wanted is not read to be passed over.
    const ceiling = createdBefore === undefined ? LAST_ID : ulidFloor(createdBefore + ID_SLACK_MS);
    const most = before !== undefined && before < ceiling ? before : ceiling;
    const range = [
      account,
      least,
      most,
      createdAfter ?? 0,
      createdBefore ?? Number.MAX_SAFE_INTEGER,
      limit,
    ];
    const rows =
      tag === undefined
        ? statements.all[order].all(...range)
        : statements.tagged[order].all(tag.name, tag.value, ...range);
    return (rows as JobRow[]).map(toJob);
  };
}
