import type { BackgroundWork } from '#functions/api/http/lambda-adapter.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { createBackgroundCollection } from '#shared/service/domain/payments/collect-in-background.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';

/** A facilitator takes a few seconds; with it, a create that has waited its longest still ends in time. */
const WAIT_MS = 5000;

export interface RequestCollectionDeps {
  readonly collect: (job: JobId) => Promise<Job | undefined>;
  readonly jobs: Pick<JobStore, 'get'>;
  readonly waitUntil: BackgroundWork['waitUntil'];
  readonly sleep: (ms: number) => Promise<void>;
  readonly onError: (error: unknown, what: string) => void;
}

/**
 * Settles payments on Lambda: whoever asks for the job waits a little for it, and the process stays until
 * it has ended. What is cut off there is the sweep's.
 */
export function createRequestCollection({ collect, jobs, ...deps }: RequestCollectionDeps) {
  const collection = createBackgroundCollection(collect, deps.onError);
  return async (id: JobId): Promise<Job | undefined> => {
    await collection.collect(id);
    const ended = collection.settled();
    deps.waitUntil(ended);
    await Promise.race([ended, deps.sleep(WAIT_MS)]);
    return jobs.get(id);
  };
}
