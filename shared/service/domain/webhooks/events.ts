import { isTerminal, type Job, runsOf } from '#shared/core/job.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { eventEntries } from '#shared/service/domain/job-events.ts';

/** The least time between two `logs` webhooks of a job. */
const THROTTLE_MS = 500;

/** A `logs` webhook of a running job, and when it is due: what its `progress` notes. */
export interface PlannedLogs {
  readonly toldAt: number;
  readonly entries: readonly OutboxEntry[];
}

/**
 * The outbox entries that tell of a change in a job's logs. One that comes too soon after the last
 * waits for its time; while one waits no other is made, since it will tell of this change as well.
 *
 * @param imagesDone what the change is; the job's end where absent
 */
export function planLogs(job: Job, now: number, imagesDone?: number): PlannedLogs {
  const last = job.progress?.toldAt;
  if (last !== undefined && last > now) return { toldAt: last, entries: [] };
  const toldAt = last === undefined ? now : Math.max(now, last + THROTTLE_MS);
  const part = imagesDone === undefined ? 'end' : (`${runsOf(job)}_${imagesDone}` as const);
  const entries = eventEntries(job, 'logs', now, part).map((entry) => ({
    ...entry,
    nextAttemptAt: toldAt,
  }));
  return { toldAt, entries };
}

/** The outbox entries of a job's end; `logs` that would have to wait are left to `completed`. */
export function endEntries(job: Job, hasOutput: boolean, now: number): readonly OutboxEntry[] {
  const logs = planLogs(job, now);
  return [
    ...(hasOutput ? eventEntries(job, 'output', now) : []),
    ...(logs.toldAt > now && tellsEnd(job) ? [] : logs.entries),
    ...eventEntries(job, 'completed', now),
  ];
}

/** Whether an entry waited until `completed`, which tells as much, went out, or until the job's data was erased. */
export function isOvertaken(job: Job, entry: OutboxEntry): boolean {
  if (job.dataRemovedAt !== undefined) return entry.event !== 'completed';
  if (entry.event !== 'logs' || entry.attempts > 0 || !tellsEnd(job)) return false;
  return job.completedAt !== undefined && (entry.nextAttemptAt ?? 0) > job.completedAt;
}

function tellsEnd(job: Job): boolean {
  return job.webhook?.events.includes('completed') === true;
}

/** Of a job's events, only the final one is worth retrying for days; the others are overtaken. */
export function isRetried(event: OutboxEntry['event']): boolean {
  return event !== 'start' && event !== 'output' && event !== 'logs' && event !== 'test';
}

/**
 * The job as an event saw it, whenever it is sent: only `completed` tells of the end, so that no receiver
 * takes another event for it; only `output` and `completed` have images.
 */
export function jobAtEvent(job: Job, event: OutboxEntry['event']): Job {
  if (event === 'completed' || !isTerminal(job.status)) return job;
  const { completedAt: _at, cost: _cost, receipt: _receipt, error: _error, ...open } = job;
  const images = event === 'output' ? job.images : [];
  return { ...open, status: 'processing', images, warnings: [] };
}
