import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';

/** Payments that are settled at one time, unless it is said. */
const AT_ONCE = 8;

/**
 * Collects beside what the caller does: a slow facilitator holds nothing else up. A payment that is
 * being collected, or that comes when many are, is left for the next call.
 */
export function createBackgroundCollection(
  collect: (job: JobId) => Promise<Job | undefined>,
  onError: (error: unknown, what: string) => void,
  atOnce = AT_ONCE,
) {
  const running = new Map<JobId, Promise<unknown>>();
  return {
    collect: async (id: JobId): Promise<undefined> => {
      if (running.has(id) || running.size >= atOnce) return;
      const work = collect(id)
        .catch((error: unknown) => onError(error, `the payment of ${id}`))
        .finally(() => running.delete(id));
      running.set(id, work);
    },
    /** Resolves when what was begun has ended. */
    async settled(): Promise<void> {
      await Promise.all(running.values());
    },
  };
}
