import type Database from 'libsql';
import type { JobId } from '#shared/core/ids.ts';
import { isMade, isTerminal, type Job } from '#shared/core/job.ts';
import {
  type CancelCount,
  isCancelCounted,
  isRunPastCancelAfter,
  takeCancel,
  withRefusedCancel,
} from '#shared/service/domain/cancel-allowance.ts';
import type { CancelCause, ChangeResult } from '#shared/service/ports/job-store.ts';
import { toRequestPart } from './job-rows.ts';

/** Requests to cancel; must run inside a transaction. */
export function createRequestCancel(
  db: Database.Database,
  getJob: (id: JobId) => Job | undefined,
): (id: JobId, at: number, runningPerHour?: number, by?: CancelCause) => ChangeResult {
  const cancel = db.prepare(
    'UPDATE jobs SET cancel_requested_at = ?1, due_at = min(due_at, ?1), waiting = 0 ' +
      'WHERE id = ?2 AND completed_at IS NULL AND cancel_requested_at IS NULL',
  );
  const selectCount = db.prepare('SELECT hour, count FROM running_cancels WHERE account = ?');
  const count = db.prepare(
    'INSERT INTO running_cancels (account, hour, count) VALUES (?, ?, ?) ' +
      'ON CONFLICT (account) DO UPDATE SET hour = excluded.hour, count = excluded.count',
  );
  const rewrite = db.prepare(
    'UPDATE jobs SET request = ?1, deadline = ?2, due_at = min(?2, coalesce(attach_by, ?2)) ' +
      'WHERE id = ?3',
  );

  /** Whether the account may cancel this running job; counts it if so. */
  const isAllowed = (job: Job, at: number, runningPerHour: number): boolean => {
    const before = selectCount.get(job.account) as CancelCount | undefined;
    const next = takeCancel(before, at, runningPerHour);
    if (next !== undefined) count.run(job.account, next.hour, next.count);
    return next !== undefined;
  };

  return (id, at, runningPerHour, by) => {
    const job = getJob(id);
    if (job === undefined || isTerminal(job.status) || isMade(job)) return { changed: false, job };
    if (by === 'cancel-after' && !isRunPastCancelAfter(job, at)) return { changed: false, job };
    if (
      runningPerHour !== undefined &&
      isCancelCounted(job) &&
      !isAllowed(job, at, runningPerHour)
    ) {
      const refused = withRefusedCancel(job, at, runningPerHour);
      rewrite.run(toRequestPart(refused), refused.deadline, id);
      return { changed: false, job: getJob(id) };
    }
    const { changes } = cancel.run(at, id);
    return { changed: changes > 0, job: getJob(id) };
  };
}
