import { isTerminal, JOB_PHASES, type Job } from '#shared/core/job.ts';
import type { Estimate } from '#shared/service/domain/estimator.ts';
import { progressLines } from '#shared/service/domain/progress-log.ts';

/** One server-sent event of a job: those of Replicate's streams, and `phase` and `logs`. */
export interface StreamEvent {
  /** Grows through a job's life and follows from its state alone, so that any process can resume. */
  readonly id: number;
  readonly event: 'phase' | 'logs' | 'output' | 'error' | 'done';
  readonly data: string;
}

const FIRST_LOG_ID = 100;
const FIRST_OUTPUT_ID = 200;
const ERROR_ID = 300;
const DONE_ID = 301;

/**
 * Every event that a job's state implies, in order. A stream sends those past the last id that its
 * client has seen, which is what makes it resumable.
 *
 * @param urls of the job's images, once it has ended
 */
export function streamEvents(
  job: Job,
  estimate: Estimate | undefined,
  urls: readonly string[],
): readonly StreamEvent[] {
  const events: StreamEvent[] = [];
  if (estimate !== undefined) {
    events.push({
      id: 1 + JOB_PHASES.indexOf(estimate.phase),
      event: 'phase',
      data: JSON.stringify({
        phase: estimate.phase,
        queue_position: estimate.queuePosition ?? null,
        eta_seconds: estimate.etaSeconds,
      }),
    });
  }
  for (const [index, data] of progressLines(
    job,
    estimate?.imagesDone ?? job.images.length,
  ).entries()) {
    events.push({ id: FIRST_LOG_ID + index, event: 'logs', data });
  }
  for (const [index, data] of urls.entries()) {
    events.push({ id: FIRST_OUTPUT_ID + index, event: 'output', data });
  }
  if (isTerminal(job.status)) events.push(...ending(job));
  return events;
}

function ending(job: Job): readonly StreamEvent[] {
  const done = (reason?: string): StreamEvent => ({
    id: DONE_ID,
    event: 'done',
    data: JSON.stringify(reason === undefined ? {} : { reason }),
  });
  if (job.status === 'canceled') return [done('canceled')];
  if (job.status === 'succeeded') return [done()];
  const detail = job.error?.message ?? 'The prediction failed';
  return [{ id: ERROR_ID, event: 'error', data: JSON.stringify({ detail }) }, done('error')];
}
