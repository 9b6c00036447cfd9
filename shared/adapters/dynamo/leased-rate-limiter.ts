import { LRUCache } from 'lru-cache';
import type { Clock } from '#shared/core/clock.ts';
import type { RateDecision, RateLimiter } from '#shared/service/ports/rate-limiter.ts';
import { costOfToken, MINUTE_MICROS, type RateRows } from './rate-rows.ts';

/** Most names that are remembered. */
const MAX_NAMES = 10_000;
/** How long leased tokens can be spent: those of a process that has no more requests are lost. */
const LEASE_MS = 2_000;
/** At most this share of a minute's tokens is leased at one time. */
const LARGEST_SHARE = 1 / 20;

/** What this process knows of a name's bucket. */
interface Lease {
  readonly perMinute: number;
  /** Tokens of the shared bucket that are this process's to spend, and until when. */
  readonly left: number;
  readonly until: number;
  /** How many were leased: used up in time, the next lease is twice as large. */
  readonly size: number;
  /** When the shared bucket is full again, as it was seen last. */
  readonly fullAt: number;
}

/**
 * One token bucket per name for all processes. A process leases tokens from it in portions: one at
 * first, twice as many whenever a portion was used up in time. So a name that is busy costs one write in
 * dozens of requests, and one that many processes serve at once is not spent by the first of them. While
 * a bucket is known to be empty, refusals cost no call.
 *
 * Beyond a bucket's tokens, a minute can see those that were leased just before it: at most a twentieth
 * of the rate for each process.
 */
export function createLeasedRateLimiter(deps: {
  readonly rows: RateRows;
  readonly clock: Clock;
}): RateLimiter {
  const leases = new LRUCache<string, Lease>({ max: MAX_NAMES });

  const renew = async (
    name: string,
    perMinute: number,
    before: Lease | undefined,
  ): Promise<RateDecision> => {
    const now = deps.clock.now();
    const most = nextSize(before, perMinute, now);
    const { taken, fullAt } = await deps.rows.take(name, { perMinute, most, now });
    // Another request of this process may have leased in the meantime: what that left stays.
    const other = leases.peek(name);
    const kept = other === undefined || other === before ? 0 : spendable(other, perMinute, now);
    const next: Lease = {
      perMinute,
      left: kept + Math.max(0, taken - 1),
      until: now + LEASE_MS,
      size: Math.max(1, taken),
      fullAt: Math.max(fullAt, other?.fullAt ?? 0),
    };
    leases.set(name, next);
    return decide(next, taken > 0, now);
  };

  return {
    take(name, perMinute) {
      const now = deps.clock.now();
      const known = leases.get(name);
      if (known === undefined || known.perMinute !== perMinute) {
        return renew(name, perMinute, known);
      }
      const left = spendable(known, perMinute, now);
      if (left > 0) {
        const next = { ...known, left: left - 1 };
        leases.set(name, next);
        return decide(next, true, now);
      }
      if (tokensIn(known, now) === 0) return decide({ ...known, left: 0 }, false, now);
      return renew(name, perMinute, known);
    },
  };
}

function decide(lease: Lease, allowed: boolean, now: number): RateDecision {
  const remaining = lease.left + tokensIn(lease, now);
  const nextAt = lease.fullAt + costOfToken(lease.perMinute) - MINUTE_MICROS;
  const retryAfterMs = remaining > 0 ? 0 : Math.max(1, Math.ceil(nextAt / 1000 - now));
  return { allowed, remaining, retryAfterMs };
}

/** Tokens that the shared bucket has, by what was seen of it last. */
function tokensIn({ fullAt, perMinute }: Lease, now: number): number {
  const missing = Math.max(0, fullAt - now * 1000);
  return Math.max(0, Math.floor((MINUTE_MICROS - missing) / costOfToken(perMinute)));
}

/** What of a lease can be spent: nothing once it has run out, or the name's rate was changed. */
function spendable(lease: Lease, perMinute: number, now: number): number {
  return lease.perMinute === perMinute && now < lease.until ? lease.left : 0;
}

function nextSize(before: Lease | undefined, perMinute: number, now: number): number {
  const wasUsedUp = before?.perMinute === perMinute && before.left === 0 && now < before.until;
  const largest = Math.max(1, Math.floor(perMinute * LARGEST_SHARE));
  return wasUsedUp ? Math.min(largest, before.size * 2) : 1;
}
