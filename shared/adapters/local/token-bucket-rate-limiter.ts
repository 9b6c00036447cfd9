import type { Clock } from '#shared/core/clock.ts';
import type { RateDecision, RateLimiter } from '#shared/ports/rate-limiter.ts';

interface Bucket {
  tokens: number;
  at: number;
}

/** Most names that are remembered; the one not asked for longest is forgotten first. */
const MAX_NAMES = 100_000;

/** A token bucket per name, in the memory of this process. */
export function createTokenBucketRateLimiter(clock: Clock): RateLimiter {
  // In the order of last use, since each use sets its entry anew.
  const buckets = new Map<string, Bucket>();

  return {
    take(name: string, perMinute: number): RateDecision {
      const now = clock.now();
      const perMs = perMinute / 60_000;
      const bucket = buckets.get(name) ?? { tokens: perMinute, at: now };
      const passedMs = Math.max(0, now - bucket.at);
      const tokens = Math.min(perMinute, bucket.tokens + passedMs * perMs);
      const allowed = tokens >= 1;
      const left = allowed ? tokens - 1 : tokens;
      buckets.delete(name);
      buckets.set(name, { tokens: left, at: now });
      if (buckets.size > MAX_NAMES) buckets.delete(buckets.keys().next().value ?? name);
      return {
        allowed,
        remaining: Math.floor(left),
        retryAfterMs: left >= 1 ? 0 : Math.ceil((1 - left) / perMs),
      };
    },
  };
}
