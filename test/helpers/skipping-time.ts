import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '#shared/core/clock.ts';

/** Time as a process sees it whose long waits pass at once. */
export interface SkippingTime {
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
  advance(ms: number): void;
}

/** What really passes of a wait: others get their turn in it. */
const REAL_MS = 20;

/** A clock that runs ahead by what was not waited for. */
export function createSkippingTime(): SkippingTime {
  let skipped = 0;
  return {
    clock: { now: () => Date.now() + Math.round(skipped) },
    sleep: async (ms) => {
      await sleep(Math.min(ms, REAL_MS));
      skipped += Math.max(0, ms - REAL_MS);
    },
    advance: (ms) => {
      skipped += ms;
    },
  };
}
