import { isTerminal, type Job, type WebhookEvent } from '#shared/core/job.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { eventEntries } from '#shared/domain/job-events.ts';

/** `output` and `logs` come at most once in each window of this length, per job. */
const THROTTLE_MS = 500;

/**
 * The outbox entries of a job's progress while it runs. Their ids name the window of time that they
 * fall into, so that everything after the first in a window changes nothing in the outbox.
 */
export function progressEntries(
  job: Job,
  event: 'output' | 'logs',
  now: number,
): readonly OutboxEntry[] {
  const window = Math.floor(now / THROTTLE_MS);
  return eventEntries(job, event, now).map((entry) => ({ ...entry, id: `${entry.id}_${window}` }));
}

/** Only the last word about a job is worth trying again for days; the others are overtaken. */
export function isRetried(event: WebhookEvent): boolean {
  return event === 'completed';
}

/** The job as an event saw it: a `start` that is sent after the end still tells of the start. */
export function jobAtEvent(job: Job, event: WebhookEvent): Job {
  if (event !== 'start' || !isTerminal(job.status)) return job;
  const { completedAt: _at, cost: _cost, receipt: _receipt, error: _error, ...open } = job;
  return { ...open, status: 'processing', images: [], warnings: [] };
}
