/** Time as a dependency, so that a test can live through a week in a millisecond. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** `2026-11-23T19:50:49.000Z` for milliseconds since the Unix epoch. */
export function toIso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
