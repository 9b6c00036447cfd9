import type { JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { JobStore } from '#shared/ports/job-store.ts';

const CACHE_SIZE = 2000;

/**
 * A job store that remembers ended jobs, which clients ask for again and again. They change only by
 * the erasure of their data; the process must be the store's only one.
 */
export function createCachedJobStore(store: JobStore): JobStore {
  const ended = new Map<JobId, Job>();

  const remember = (job: Job | undefined): Job | undefined => {
    if (job === undefined || !isTerminal(job.status)) return job;
    ended.delete(job.id);
    ended.set(job.id, job);
    if (ended.size > CACHE_SIZE) ended.delete(ended.keys().next().value ?? job.id);
    return job;
  };

  return {
    ...store,
    get: async (id) => ended.get(id) ?? remember(await store.get(id)),
    async removeData(id, at) {
      ended.delete(id);
      const result = await store.removeData(id, at);
      // A read that began before the removal may have put the old job back.
      ended.delete(id);
      return result;
    },
  };
}
