import { LRUCache } from 'lru-cache';
import type { Clock } from '#shared/core/clock.ts';

/** Most keys whose values are kept. */
const MAX_KEYS = 1000;

/**
 * Reads with a memory: each key at most once in `ttlMs`, for all who ask within that time. A failed
 * read is not remembered.
 *
 * @param read is given the value known so far, if there is one
 */
export function createRememberedReads<Value extends NonNullable<unknown>>(deps: {
  readonly read: (key: string, known: Value | undefined) => Promise<Value>;
  readonly clock: Clock;
  /** 0 remembers nothing. */
  readonly ttlMs: number;
}): (key: string) => Promise<Value> {
  if (deps.ttlMs === 0) return (key) => deps.read(key, undefined);
  const values = new LRUCache<string, Value>({
    max: MAX_KEYS,
    // An entry outlives its `ttl` by one tick of the clock.
    ttl: Math.max(1, deps.ttlMs - 1),
    ttlResolution: 0,
    perf: deps.clock,
    fetchMethod: (key, known) => deps.read(key, known),
  });
  return (key) => values.forceFetch(key);
}
