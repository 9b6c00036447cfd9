import type { Clock } from '#shared/core/clock.ts';
import type { JobId, KeyId } from '#shared/core/ids.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';

interface LostCallersDeps {
  readonly jobs: Pick<JobStore, 'park'>;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** How long a caller whose connection was lost is expected back. */
const EXPECTED_MS = 10 * 60_000;

/**
 * Callers whose connection was lost before their answer. Many clients silently send such an order again:
 * its job is parked, so that an equal order takes it over. Orders of other keys cost no look-up. A
 * restart forgets them, and an order sent again after it is a new one.
 */
export function createLostCallers(deps: LostCallersDeps) {
  const lost = new Map<KeyId, { readonly until: number; readonly parked: Promise<unknown> }>();
  return {
    note(key: KeyId, job: JobId): void {
      const parked = deps.jobs.park(job).catch(deps.onError);
      const now = deps.clock.now();
      for (const [known, { until }] of lost) if (until <= now) lost.delete(known);
      const before = lost.get(key)?.parked;
      lost.set(key, { until: now + EXPECTED_MS, parked: Promise.all([before, parked]) });
    },

    /** Whether an order of this key may be a repeated one; resolves once its job can be found. */
    async mayBeBack(key: KeyId): Promise<boolean> {
      const entry = lost.get(key);
      if (entry === undefined || entry.until <= deps.clock.now()) return false;
      await entry.parked;
      return true;
    },
  };
}
