import { describe, expect, it } from 'vitest';
import { createLeasedRateLimiter } from '#shared/adapters/dynamo/leased-rate-limiter.ts';
import { costOfToken, MINUTE_MICROS, type RateRows } from '#shared/adapters/dynamo/rate-rows.ts';
import { describeRateLimiter } from '#test/contract/rate-limiter.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';

/** Shared buckets in memory, by the rule that the table's conditions hold; counts its calls. */
function createMemoryRows() {
  const buckets = new Map<string, number>();
  const counts = { calls: 0 };
  const rows: RateRows = {
    async take(name, { perMinute, most, now }) {
      counts.calls++;
      const from = Math.max(buckets.get(name) ?? 0, now * 1000);
      const each = costOfToken(perMinute);
      const room = Math.max(0, Math.floor((now * 1000 + MINUTE_MICROS - from) / each));
      const taken = Math.min(most, room);
      const fullAt = from + taken * each;
      if (taken > 0) buckets.set(name, fullAt);
      return { taken, fullAt };
    },
  };
  return { rows, counts };
}

describeRateLimiter('leased tokens', (clock) =>
  createLeasedRateLimiter({ rows: createMemoryRows().rows, clock }),
);

describe('a bucket that several processes share', () => {
  const processes = (count: number) => {
    const clock = createManualClock();
    const { rows, counts } = createMemoryRows();
    const limiters = Array.from({ length: count }, () => createLeasedRateLimiter({ rows, clock }));
    return { clock, limiters, counts };
  };

  it('allows no more than one bucket, whichever of them is asked', async () => {
    const { clock, limiters } = processes(20);
    let allowed = 0;
    for (let i = 0; i < 60_000; i += 20) {
      if ((await limiters[(i / 20) % 20]?.take('a', 600))?.allowed) allowed++;
      clock.advance(20);
    }
    // A bucket, what a minute refills, less what was leased and not spent.
    expect(allowed).toBeLessThanOrEqual(1_200);
    expect(allowed).toBeGreaterThan(1_000);
  });

  it('is not emptied by those that ask first', async () => {
    const { limiters } = processes(100);
    const decisions = await Promise.all(limiters.map((limiter) => limiter.take('a', 120)));
    expect(decisions.every(({ allowed }) => allowed)).toBe(true);
  });

  it('costs a write in some thirty requests of a busy name, and none while it is empty', async () => {
    const { limiters, counts, clock } = processes(1);
    const [limiter] = limiters;
    for (let i = 0; i < 600; i++) expect((await limiter?.take('a', 600))?.allowed).toBe(true);
    expect(counts.calls).toBeLessThan(30);
    const before = counts.calls;
    for (let i = 0; i < 1_000; i++) expect((await limiter?.take('a', 600))?.allowed).toBe(false);
    expect(counts.calls - before).toBeLessThanOrEqual(1);
    clock.advance(100);
    expect((await limiter?.take('a', 600))?.allowed).toBe(true);
  });

  it('spends what was leased soon or not at all', async () => {
    const { limiters, clock } = processes(1);
    const [limiter] = limiters;
    // The leases are of 1, 2, 4, 8 and 16 tokens: of the last, one is spent.
    for (let i = 0; i < 16; i++) await limiter?.take('a', 600);
    clock.advance(60_000);
    let allowed = 0;
    for (let i = 0; i < 700; i++) if ((await limiter?.take('a', 600))?.allowed) allowed++;
    expect(allowed).toBe(600);
  });

  it('counts requests of one process that ask at the same moment', async () => {
    const { limiters } = processes(1);
    const asked = Array.from({ length: 30 }, async () => limiters[0]?.take('a', 10));
    const decisions = await Promise.all(asked);
    expect(decisions.filter((decision) => decision?.allowed)).toHaveLength(10);
  });
});
