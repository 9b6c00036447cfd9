import type Database from 'libsql';
import { toIso } from '#shared/core/clock.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import type { JobPayment } from '#shared/core/payment.ts';
import { withSettling, withMade } from '#shared/service/domain/payments/job-payment.ts';
import {
  endUnpaid,
  takeUnpaid,
  type UnpaidCount,
  unpaidShares,
} from '#shared/service/domain/payments/unpaid-work.ts';
import type {
  Admission,
  AdmissionResult,
  ChangeResult,
  JobStore,
} from '#shared/service/ports/job-store.ts';

type Refusal = Extract<AdmissionResult, { outcome: 'unpaid-work' }>;

/** Payments of jobs, and the work that is not paid for; for use inside a transaction. */
export function createPaymentRows(db: Database.Database, getJob: (id: JobId) => Job | undefined) {
  const keep = db.prepare(
    "UPDATE jobs SET payment = ?, due_at = ?, status = 'processing', started_at = ?, waiting = 0, " +
      'lease_expires_at = NULL, progress = NULL WHERE id = ?',
  );
  const note = db.prepare('UPDATE jobs SET payment = ?, due_at = ? WHERE id = ?');
  const write = db.prepare('UPDATE jobs SET payment = ? WHERE id = ?');
  const selectCount = db.prepare('SELECT open, failed, day FROM unpaid_work WHERE name = ?');
  const putCount = db.prepare(
    'INSERT OR REPLACE INTO unpaid_work (name, open, failed, day) VALUES (?, ?, ?, ?)',
  );
  const purge = db.prepare('DELETE FROM unpaid_work WHERE open = 0 AND day < ?');
  const countOf = (name: string) => selectCount.get(name) as UnpaidCount | undefined;
  const put = (name: string, { open, failed, day }: UnpaidCount) =>
    putCount.run(name, open, failed, day);

  return {
    /** Why a payment's work is not taken. */
    refuse({ job, unpaidLimits: limits }: Admission): Refusal | undefined {
      const { payment, createdAt: at } = job;
      if (payment === undefined || limits === undefined) return undefined;
      const share = unpaidShares(payment).find(
        ({ of, name }) => takeUnpaid(countOf(name), at, limits[of]) === undefined,
      );
      return share && { outcome: 'unpaid-work', of: share.of };
    },

    begin(job: Pick<Job, 'id' | 'payment'>, at: number): void {
      if (job.payment === undefined) return;
      purge.run(toIso(at).slice(0, 10));
      write.run(JSON.stringify(job.payment), job.id);
      for (const { name } of unpaidShares(job.payment)) {
        const next = takeUnpaid(countOf(name), at, Number.POSITIVE_INFINITY);
        if (next !== undefined) put(name, next);
      }
    },

    /** @param before with its network address, which the ended payment has no more */
    end(job: JobId, before: JobPayment, after: JobPayment, at: number): void {
      write.run(JSON.stringify(after), job);
      for (const { name } of unpaidShares(before)) {
        put(name, endUnpaid(countOf(name), at, after.state === 'unsettled'));
      }
    },

    keepMade(...[id, from, made, at]: Parameters<JobStore['keepMade']>): ChangeResult {
      const job = getJob(id);
      const next = job && withMade(job, from, made, at);
      if (next === undefined) return { changed: false, job };
      keep.run(JSON.stringify(next.payment), at, next.startedAt ?? at, id);
      return { changed: true, job: getJob(id) };
    },

    noteSettling(...[id, attempts, attempt]: Parameters<JobStore['noteSettling']>): ChangeResult {
      const job = getJob(id);
      const next = job && withSettling(job, attempts, attempt);
      if (next === undefined) return { changed: false, job };
      note.run(JSON.stringify(next.payment), attempt.nextAt, id);
      return { changed: true, job: getJob(id) };
    },
  };
}

export type PaymentRows = ReturnType<typeof createPaymentRows>;
