import { describe, expect, test } from 'vitest';
import type { Clock } from '#shared/core/clock.ts';
import type { RateDecision, RateLimiter } from '#shared/service/ports/rate-limiter.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';

/** What every rate limiter must do. */
export function describeRateLimiter(
  name: string,
  make: (clock: Clock) => RateLimiter | Promise<RateLimiter>,
): void {
  describe(`rate limiter: ${name}`, () => {
    test('allows a full bucket at once, then refuses and says for how long', async () => {
      const limiter = await make(createManualClock());
      const decisions: RateDecision[] = [];
      for (let i = 0; i < 61; i++) decisions.push(await limiter.take('a', 60));
      expect(decisions.slice(0, 60).every(({ allowed }) => allowed)).toBe(true);
      expect(decisions[0]).toEqual({ allowed: true, remaining: 59, retryAfterMs: 0 });
      expect(decisions[59]).toEqual({ allowed: true, remaining: 0, retryAfterMs: 1000 });
      expect(decisions[60]).toEqual({ allowed: false, remaining: 0, retryAfterMs: 1000 });
    });

    test('refills evenly, up to the full bucket', async () => {
      const clock = createManualClock();
      const limiter = await make(clock);
      for (let i = 0; i < 60; i++) await limiter.take('a', 60);
      clock.advance(999);
      expect(await limiter.take('a', 60)).toEqual({
        allowed: false,
        remaining: 0,
        retryAfterMs: 1,
      });
      clock.advance(1);
      expect((await limiter.take('a', 60)).allowed).toBe(true);
      expect((await limiter.take('a', 60)).allowed).toBe(false);
      clock.advance(3_600_000);
      expect((await limiter.take('a', 60)).remaining).toBe(59);
    });

    test('never allows more than the rate over a minute, however it is asked', async () => {
      const clock = createManualClock();
      const limiter = await make(clock);
      let allowed = 0;
      for (let i = 0; i < 60_000; i += 7) {
        if ((await limiter.take('a', 100)).allowed) allowed++;
        clock.advance(7);
      }
      // The bucket that was full at the start, and what a minute refills.
      expect(allowed).toBeLessThanOrEqual(200);
      expect(allowed).toBeGreaterThanOrEqual(198);
    });

    test('keeps names apart, and takes a lowered rate at once', async () => {
      const limiter = await make(createManualClock());
      for (let i = 0; i < 10; i++) await limiter.take('a', 10);
      expect((await limiter.take('a', 10)).allowed).toBe(false);
      expect((await limiter.take('b', 10)).allowed).toBe(true);
      await limiter.take('c', 1000);
      const lowered = await limiter.take('c', 5);
      expect(lowered.allowed).toBe(true);
      expect(lowered.remaining).toBeLessThan(5);
    });
  });
}

/**
 * What limiters must do that share their buckets.
 *
 * @param make so many limiters, as processes beside each other have them
 */
export function describeSharedRateLimiters(
  name: string,
  make: (count: number, clock: Clock) => Promise<readonly RateLimiter[]>,
): void {
  test(`rate limiters of several processes allow one bucket together: ${name}`, async () => {
    const clock = createManualClock();
    const limiters = await make(8, clock);
    const decisions = await Promise.all(
      limiters.flatMap((limiter) => Array.from({ length: 10 }, async () => limiter.take('a', 40))),
    );
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(40);
    clock.advance(1_500);
    const [one, other] = limiters;
    expect((await one?.take('a', 40))?.allowed).toBe(true);
    expect((await other?.take('a', 40))?.allowed).toBe(false);
  });
}
