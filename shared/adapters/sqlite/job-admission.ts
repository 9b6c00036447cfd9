import { assert } from '#shared/core/errors.ts';
import type { JobId } from '#shared/core/ids.ts';
import { budgetKeyOfJob, type Job } from '#shared/core/job.ts';
import { addUsd, type MicroUsd, microUsd, ZERO_USD } from '#shared/core/money.ts';
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

/** What orders of one account, key, model and day share, as those so far have left it. */
interface Shared {
  readonly job: Admission['job'];
  balance: number;
  readonly owed: number;
  rank: number;
  first: FirstGrant | undefined;
  readonly nextExpiry: number;
  /** What is held for them, which the account's row and the key's budget don't have yet. */
  held: MicroUsd;
  readonly admitted: Admission[];
}

/**
 * The admission transaction; the returned function must run inside one. What alike orders change is read
 * and written once for all of them: half of an order's statements.
 */
export function createAdmit({
  db,
  getJob,
  open,
  credit,
  payments,
}: JobParts): (admissions: readonly Admission[]) => readonly AdmissionResult[] {
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
    { balance, owed, held, admitted }: Shared,
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
      const spent = addUsd(budgets.spent(budgetKeyOfJob(job), period), held);
      if (addUsd(spent, job.hold) > cap) return { outcome: 'key-budget-exceeded', window, spent };
    }
    const own = open.count(job.account) + admitted.length;
    const all = open.count() + admitted.length;
    if (own >= admission.accountQueueLimit) {
      return { outcome: 'queue-full', depth: own, of: 'account' };
    }
    return all < admission.queueLimit
      ? undefined
      : { outcome: 'queue-full', depth: all, of: 'all' };
  };

  const begin = (job: Admission['job']): Shared => {
    const state = selectState.get([job.account, job.model.name]) as State;
    return {
      job,
      balance: state.balance ?? 0,
      owed: state.owed ?? 0,
      rank: state.rank ?? 0,
      first: firstGrant(state),
      nextExpiry: state.nextExpiry ?? FOREVER,
      held: ZERO_USD,
      admitted: [],
    };
  };

  /** Credit whose time has come is not spent. */
  const expire = (shared: Shared, { createdAt, account }: Admission['job']): void => {
    if (shared.nextExpiry > createdAt) return;
    for (const { amount } of credit.expireDue(createdAt, FOREVER, account)) {
      shared.balance -= amount;
    }
    shared.first = undefined;
  };

  /** The stored job; undefined when it was stored before. */
  const insert = (job: Admission['job'], shared: Shared): Job | undefined => {
    const sources = credit.plan(job.account, job.hold, shared.first);
    const rank = shared.rank + 1;
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
    shared.first = restOf(shared.first, job.hold);
    shared.balance -= job.hold;
    shared.held = addUsd(shared.held, job.hold);
    shared.rank = rank;
    for (const [name, value] of Object.entries(job.tags)) {
      insertTag.run(job.account, name, value, job.id);
    }
    return { ...job, rank };
  };

  const admitOne = (admission: Admission, shared: Shared): AdmissionResult => {
    const { job, idempotency } = admission;
    expire(shared, job);
    const refusal = check(admission, shared);
    const stored = refusal === undefined ? insert(job, shared) : undefined;
    if (stored === undefined) {
      // What was admitted before stays so, whatever would stand against it now.
      const repeated = getJob(job.id);
      if (repeated !== undefined) return { outcome: 'admitted', job: repeated };
      assert(refusal !== undefined, `job ${job.id} is neither new nor there`);
      return refusal;
    }
    payments.begin(job, job.createdAt);
    if (idempotency !== undefined) putScope.run(idempotency.scope, job.id, idempotency.expiresAt);
    for (const entry of admission.outbox) addOutbox(entry);
    if (++admitted % PURGE_EVERY === 0) purge.run(job.createdAt);
    shared.admitted.push(admission);
    return { outcome: 'admitted', job: stored };
  };

  /** Moves what the orders may cost to `held`, but for those that a payment of their own covers. */
  const finish = ({ job, rank, held, admitted }: Shared): void => {
    if (admitted.length === 0) return;
    putRank.run([job.model.name, job.account, rank]);
    ledger.addEntries(admitted.filter(({ job }) => job.payment === undefined).map(holdEntry));
    if (held > 0) {
      ledger.moveMoney(job.account, -held, held);
      budgets.add(job, held);
    }
    open.add(admitted.length, job.account);
  };

  return (admissions) => {
    const results: AdmissionResult[] = [];
    for (const alike of groupAlike(admissions)) {
      let shared: Shared | undefined;
      for (const [place, admission] of alike) {
        shared ??= begin(admission.job);
        results[place] = admitOne(admission, shared);
      }
      if (shared !== undefined) finish(shared);
    }
    return results;
  };
}

type Placed = readonly [place: number, admission: Admission];

/** Orders by all that is written once for them. */
function groupAlike(admissions: readonly Admission[]): Iterable<readonly Placed[]> {
  const groups = new Map<string, Placed[]>();
  for (const [place, admission] of admissions.entries()) {
    const { job } = admission;
    const name = [job.account, budgetKeyOfJob(job), job.budgetDay, job.model.name].join(' ');
    const group = groups.get(name) ?? [];
    group.push([place, admission]);
    groups.set(name, group);
  }
  return groups.values();
}

function firstGrant({ entry, remaining }: State): FirstGrant | undefined {
  return entry === null || remaining === null ? undefined : { entry, remaining };
}

/** What is left of the first grant when it has covered a hold; undefined when it had to be looked up. */
function restOf(first: FirstGrant | undefined, hold: MicroUsd): FirstGrant | undefined {
  if (first === undefined || first.remaining < hold) return undefined;
  return { entry: first.entry, remaining: first.remaining - hold };
}
