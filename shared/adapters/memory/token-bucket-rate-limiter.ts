import { LRUCache } from 'lru-cache';
import type { Clock } from '#shared/core/clock.ts';
import type { RateDecision, RateLimiter } from '#shared/service/ports/rate-limiter.ts';

interface Bucket {
  units: number;
  at: number;
}

/** Parts of a token: as many as milliseconds in a minute, so that refills are whole numbers. */
const UNITS = 60_000;
/** Most names that are remembered. */
const MAX_NAMES = 100_000;

/** A token bucket per name, in the memory of this process. */
export function createTokenBucketRateLimiter(clock: Clock) {
  const buckets = new LRUCache<string, Bucket>({ max: MAX_NAMES });

  return {
    take(name: string, perMinute: number): RateDecision {
      const now = clock.now();
      const full = perMinute * UNITS;
      const bucket = buckets.get(name) ?? { units: full, at: now };
      const units = Math.min(full, bucket.units + Math.max(0, now - bucket.at) * perMinute);
      const allowed = units >= UNITS;
      const left = allowed ? units - UNITS : units;
      buckets.set(name, { units: left, at: now });
      return {
        allowed,
        remaining: Math.floor(left / UNITS),
        retryAfterMs: left >= UNITS ? 0 : Math.ceil((UNITS - left) / perMinute),
      };
    },
  } satisfies RateLimiter;
}
