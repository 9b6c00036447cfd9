import { assert } from '#shared/core/errors.ts';
import type { JobId } from '#shared/core/ids.ts';
import { budgetKeyOfJob, type Job } from '#shared/core/job.ts';
import { addUsd, microUsd } from '#shared/core/money.ts';
import { holdEntry } from '#shared/service/domain/job-ledger.ts';
import type { Admission, AdmissionResult } from '#shared/service/ports/job-store.ts';
import { createBudgets } from './budgets.ts';
import type { FirstGrant } from './credit-rows.ts';
import type { JobParts } from './job-parts.ts';
import { toRequestPart } from './job-rows.ts';
import { createLedgerRows } from './ledger-rows.ts';
import { createOutboxInsert } from './outbox-rows.ts';

/** Expired idempotency records are cleared once in this many admissions. */
const PURGE_EVERY = 256;
const FOREVER = Number.MAX_SAFE_INTEGER;

interface State {
  readonly balance: number | null;
  readonly owed: number | null;
  /** The last rank that the account got, or the one last claimed if that is later. */
  readonly rank: number | null;
  /** The grant that expires first, and when; null in all three where nothing is left of any. */
  readonly entry: string | null;
  readonly remaining: number | null;
  readonly nextExpiry: number | null;
}

/** The admission transaction; the returned function must run inside one. */
export function createAdmit({
  db,
  getJob,
  open,
  credit,
  payments,
}: JobParts): (admission: Admission) => AdmissionResult {
  const ledger = createLedgerRows(db);
  const budgets = createBudgets(db);
  const addOutbox = createOutboxInsert(db);
  const selectScope = db.prepare('SELECT job FROM idempotency WHERE scope = ? AND expires_at > ?');
  const putScope = db.prepare(
    'INSERT OR REPLACE INTO idempotency (scope, job, expires_at) VALUES (?, ?, ?)',
  );
  const purge = db.prepare('DELETE FROM idempotency WHERE expires_at <= ?');
  const selectState = db.prepare(
    'SELECT a.balance, a.owed, ' +
      "(SELECT max(rank) FROM ranks WHERE model = ?2 AND account IN ('', ?1)) AS rank, " +
      'g.entry, g.remaining, g.expires_at AS nextExpiry ' +
      'FROM (SELECT 1) LEFT JOIN accounts a ON a.id = ?1 LEFT JOIN (SELECT entry, remaining, expires_at FROM grants ' +
      'WHERE account = ?1 AND remaining > 0 ORDER BY expires_at, entry LIMIT 1) g',
  );
  const putRank = db.prepare(
    'INSERT OR REPLACE INTO ranks (model, account, rank) VALUES (?, ?, ?)',
  );
  const insertTag = db.prepare(
    'INSERT INTO job_tags (account, name, value, job) VALUES (?, ?, ?, ?)',
  );
  const insertJob = db.prepare(
    'INSERT INTO jobs (id, account, key, model, status, waiting, rank, body_hash, created_at, ' +
      'deadline, attach_by, due_at, hold, sources, preview, request) ' +
      'VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ' +
      'ON CONFLICT (id) DO NOTHING',
  );
  let admitted = 0;

  /** What an earlier order of the same idempotency key makes of this one. */
  const repeat = ({ job, idempotency }: Admission): AdmissionResult | undefined => {
    if (idempotency === undefined) return undefined;
    const row = selectScope.get(idempotency.scope, job.createdAt) as { job: JobId } | undefined;
    const found = row && getJob(row.job);
    if (found === undefined) return undefined;
    return found.bodyHash === job.bodyHash
      ? { outcome: 'replayed', job: found }
      : { outcome: 'idempotency-mismatch', job: found.id };
  };

  /** Why the job is refused, or the earlier job that it repeats. */
  const check = (
    admission: Admission,
    balance: number,
    owed: number,
  ): AdmissionResult | undefined => {
    const { job } = admission;
    const found = repeat(admission) ?? payments.refuse(admission);
    if (found !== undefined) return found;
    if (owed > 0) return { outcome: 'account-owes', owed: microUsd(owed) };
    if (balance < job.hold) return { outcome: 'insufficient-funds', balance: microUsd(balance) };
    for (const [window, period, cap] of [
      ['day', job.budgetDay, admission.dayCap],
      ['month', job.budgetMonth, admission.monthCap],
    ] as const) {
      if (cap === undefined) continue;
      const spent = budgets.spent(budgetKeyOfJob(job), period);
      if (addUsd(spent, job.hold) > cap) return { outcome: 'key-budget-exceeded', window, spent };
    }
    const [own, all] = [open.count(job.account), open.count()];
    if (own >= admission.accountQueueLimit) {
      return { outcome: 'queue-full', depth: own, of: 'account' };
    }
    return all < admission.queueLimit
      ? undefined
      : { outcome: 'queue-full', depth: all, of: 'all' };
  };

  /** The stored job; undefined when it was stored before. */
  const insert = (
    job: Admission['job'],
    rank: number,
    first: FirstGrant | undefined,
  ): Job | undefined => {
    const sources = credit.plan(job.account, job.hold, first);
    const { changes } = insertJob.run([
      job.id,
      job.account,
      job.key,
      job.model.name,
      job.status,
      rank,
      job.bodyHash,
      job.createdAt,
      job.deadline,
      job.attachBy ?? null,
      Math.min(job.deadline, job.attachBy ?? job.deadline),
      job.hold,
      JSON.stringify(sources),
      Number(job.preview ?? false),
      toRequestPart(job),
    ]);
    if (changes === 0) return undefined;
    credit.take(sources);
    putRank.run([job.model.name, job.account, rank]);
    for (const [name, value] of Object.entries(job.tags)) {
      insertTag.run(job.account, name, value, job.id);
    }
    return { ...job, rank };
  };

  /** Moves what the job may cost to `held`, unless a payment of its own covers it. */
  const hold = (admission: Admission): void => {
    const { job } = admission;
    payments.begin(job, job.createdAt);
    if (job.payment !== undefined) return;
    ledger.moveMoney(job.account, -job.hold, job.hold);
    ledger.addEntry(holdEntry(admission));
    budgets.add(job, job.hold);
  };

  return (admission) => {
    const { job, idempotency } = admission;
    const state = selectState.get([job.account, job.model.name]) as State;
    const { rank, nextExpiry } = state;
    let balance = state.balance ?? 0;
    let first = firstGrant(state);
    if (nextExpiry !== null && nextExpiry <= job.createdAt) {
      const expired = credit.expireDue(job.createdAt, FOREVER, job.account);
      for (const { amount } of expired) balance -= amount;
      first = undefined;
    }
    const refusal = check(admission, balance, state.owed ?? 0);
    const stored = refusal === undefined ? insert(job, (rank ?? 0) + 1, first) : undefined;
    if (stored === undefined) {
      // What was admitted before stays so, whatever would stand against it now.
      const repeated = getJob(job.id);
      if (repeated !== undefined) return { outcome: 'admitted', job: repeated };
      assert(refusal !== undefined, `job ${job.id} is neither new nor there`);
      return refusal;
    }
    hold(admission);
    if (idempotency !== undefined) putScope.run(idempotency.scope, job.id, idempotency.expiresAt);
    for (const entry of admission.outbox) addOutbox(entry);
    if (++admitted % PURGE_EVERY === 0) purge.run(job.createdAt);
    open.add(1, job.account);
    return { outcome: 'admitted', job: stored };
  };
}

function firstGrant({ entry, remaining }: State): FirstGrant | undefined {
  return entry === null || remaining === null ? undefined : { entry, remaining };
}
