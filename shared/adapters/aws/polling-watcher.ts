import type { JobId } from '#shared/core/ids.ts';
import { isTerminal, isToCollect, type Job } from '#shared/core/job.ts';
import type { SettlementService } from '#shared/service/domain/settlement.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';

export interface PollingWatcherDeps {
  readonly jobs: Pick<JobStore, 'get'>;
  readonly settlement: Pick<SettlementService, 'reconcile'>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

const FIRST_LOOK_MS = 100;
const LONGEST_LOOK_MS = 1_000;
/** A receipt in storage ends a job even when its completion got lost; looked for now and then. */
const RECONCILE_MS = 5_000;

/** Waits for the end of jobs that other processes end, by looking: soon at first, then each second. */
export function createPollingWatcher(deps: PollingWatcherDeps) {
  const { jobs, settlement, now, sleep } = deps;

  const look = async (id: JobId, reconcile: boolean): Promise<Job | undefined> => {
    if (reconcile) return settlement.reconcile(id);
    const job = await jobs.get(id);
    return job !== undefined && isToCollect(job, now()) ? settlement.reconcile(id) : job;
  };

  return {
    /** The job as soon as it has ended, or as it is at the end of the time. */
    async waitForEnd(first: Job, timeoutMs: number, signal: AbortSignal): Promise<Job | undefined> {
      const until = now() + timeoutMs;
      let job: Job | undefined = first;
      let reconcileAt = now() + RECONCILE_MS;
      for (let pause = FIRST_LOOK_MS; job !== undefined && !isTerminal(job.status); ) {
        const left = until - now();
        if (left <= 0 || signal.aborted) break;
        await sleep(Math.min(pause, left));
        const isDue = now() >= reconcileAt;
        if (isDue) reconcileAt = now() + RECONCILE_MS;
        job = await look(first.id, isDue);
        pause = Math.min(LONGEST_LOOK_MS, pause * 1.5);
      }
      return job;
    },
  };
}
