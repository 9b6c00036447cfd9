import { LRUCache } from 'lru-cache';
import type { JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { JobStore } from './ports/job-store.ts';

const CACHE_SIZE = 5000;

/**
 * A job store that caches what clients poll: ended jobs, which change only when their data is erased,
 * and waiting ones, which change only through the methods below. Leased jobs are always read from the
 * store, since a lease can run out by itself. No other process may use the store.
 */
export function createCachedJobStore(store: JobStore): JobStore {
  const known = new LRUCache<JobId, Job>({ max: CACHE_SIZE });

  const remember = (job: Job | undefined): Job | undefined => {
    if (job === undefined || (!isTerminal(job.status) && job.lease !== undefined)) return job;
    known.set(job.id, job);
    return job;
  };

  /** Forgets a job after its change: a read begun before it may have put the old state back. */
  const forgetAfter = async <T>(id: JobId, change: Promise<T>): Promise<T> => {
    try {
      return await change;
    } finally {
      known.delete(id);
    }
  };

  return {
    ...store,
    get: async (id) => known.get(id) ?? remember(await store.get(id)),
    async claimNext(...args) {
      const job = await store.claimNext(...args);
      if (job !== undefined) known.delete(job.id);
      return job;
    },
    extendAttach: (id, attachBy) => forgetAfter(id, store.extendAttach(id, attachBy)),
    requestCancel: (id, ...rest) => forgetAfter(id, store.requestCancel(id, ...rest)),
    keepMade: (id, ...rest) => forgetAfter(id, store.keepMade(id, ...rest)),
    noteSettling: (id, ...rest) => forgetAfter(id, store.noteSettling(id, ...rest)),
    settle: (settlement) => forgetAfter(settlement.job, store.settle(settlement)),
    removeData: (id, at) => forgetAfter(id, store.removeData(id, at)),
  };
}
