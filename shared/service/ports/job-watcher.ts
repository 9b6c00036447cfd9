import type { Job } from '#shared/core/job.ts';

/** Waits for jobs to move, so that a blocked create answers as soon as its job has ended. */
export interface JobWatcher {
  /**
   * The job as soon as it has ended, or as it is after `timeoutMs` or when the signal aborts.
   * Undefined when there is no such job.
   */
  waitForEnd(job: Job, timeoutMs: number, signal: AbortSignal): Promise<Job | undefined>;
}
