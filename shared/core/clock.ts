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

/** As {@link toIso}; null for a time that is unknown or has not come. */
export function isoOrNull(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : toIso(epochMs);
}

/** Milliseconds since the Unix epoch for an ISO 8601 text; undefined for none. */
export function toEpochMs(text: string | null | undefined): number | undefined {
  return typeof text === 'string' ? Date.parse(text) : undefined;
}
