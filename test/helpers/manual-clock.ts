import type { Clock } from '#shared/core/clock.ts';

export interface ManualClock extends Clock {
  advance(ms: number): void;
}

/** A clock that stands until it is told to move. */
export function createManualClock(start = Date.UTC(2026, 10, 23, 12)): ManualClock {
  let time = start;
  return {
    now: () => time,
    advance(ms) {
      time += ms;
    },
  };
}
