import { type Job, latestEndOf } from '#shared/core/job.ts';

const HOUR_MS = 3_600_000;

/** The cancellations of running jobs that an account has had in an hour by the clock. */
export interface CancelCount {
  /** Hours since the Unix epoch. */
  readonly hour: number;
  readonly count: number;
}

/** Whether cancelling the job counts: stopping a claimed one may cost the machine a reload. */
export function isCancelCounted(job: Job): boolean {
  return job.lease !== undefined && job.cancelRequestedAt === undefined;
}

/** The count with one more cancellation; undefined when the hour has had all that it may have. */
export function takeCancel(
  before: CancelCount | undefined,
  at: number,
  runningPerHour: number,
): CancelCount | undefined {
  const hour = Math.floor(at / HOUR_MS);
  const count = before?.hour === hour ? before.count : 0;
  return count < runningPerHour ? { hour, count: count + 1 } : undefined;
}

/** Whether a claimed job is past its own `Cancel-After`, which asks for its cancellation as a client does. */
export function isRunPastCancelAfter(job: Job, at: number): boolean {
  return job.lease !== undefined && job.cancelAtDeadline === true && job.deadline <= at;
}

/** The job as it runs on although it was to be cancelled; a `Cancel-After` that is due has had its say. */
export function withRefusedCancel(job: Job, at: number, runningPerHour: number): Job {
  const warning =
    `too-many-cancels: ${runningPerHour} running predictions may be cancelled in an hour; ` +
    'this one is finished and charged';
  const told = job.warnings.includes(warning)
    ? job
    : { ...job, warnings: [...job.warnings, warning] };
  if (!isRunPastCancelAfter(job, at)) return told;
  const { cancelAtDeadline: _, latestEnd: __, ...rest } = told;
  return { ...rest, deadline: latestEndOf(job) };
}
