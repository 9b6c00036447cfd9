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

/** A time of a day without `Z` or an offset, which `Date.parse` would take as the machine's own. */
const WITHOUT_OFFSET = /T[\d:.]+$/;

/**
 * Milliseconds since the Unix epoch for an ISO 8601 text, in UTC where it names no offset; undefined
 * for none.
 */
export function toEpochMs(text: string): number;
export function toEpochMs(text: string | null | undefined): number | undefined;
export function toEpochMs(text: string | null | undefined): number | undefined {
  if (typeof text !== 'string') return undefined;
  return Date.parse(WITHOUT_OFFSET.test(text) ? `${text}Z` : text);
}
