import { describe, expect, it } from 'vitest';
import { simulateDays } from '#functions/cli/deploy/day-report.ts';
import { INSTANCE_PRICES } from '#shared/deployment/instance-prices.ts';
import { ordersOfDay, simulateDay } from '#shared/deployment/simulate-day.ts';

const POLICY = { noticedAfter: 10, wake: 100, idle: 50, perImage: 2, latency: 3 };

describe('a simulated day', () => {
  it('lets the first wait for the wake, and the next for its turn', () => {
    const day = simulateDay([0, 1], POLICY);
    expect(day).toMatchObject({ images: 2, wakes: 1 });
    // The second ends at 115: its turn comes two seconds after the first one's, at 112.
    expect(day.meanWait).toBe((113 + 114) / 2);
    expect(day.instanceHours * 3600).toBe(115 + 50 - 10);
  });

  it('wakes again after the idle time, and not before', () => {
    expect(simulateDay([0, 113 + 50], POLICY).wakes).toBe(1);
    expect(simulateDay([0, 113 + 51], POLICY).wakes).toBe(2);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(ordersOfDay(100, 1)).toEqual(ordersOfDay(100, 1));
    expect(ordersOfDay(100, 1)).not.toEqual(ordersOfDay(100, 2));
    expect(ordersOfDay(10, 1)).toHaveLength(10);
  });

  it.each(Object.keys(INSTANCE_PRICES))(
    'on %s none is dearer or slower than before',
    (instance) => {
      const days = simulateDays(instance);
      expect(days).toHaveLength(8);
      for (let i = 0; i < days.length; i += 2) {
        const [before, now] = days.slice(i, i + 2);
        expect([before?.policy, now?.policy, before?.images]).toEqual([
          'before',
          'now',
          now?.images,
        ]);
        expect(now?.usd).toBeLessThanOrEqual(before?.usd ?? 0);
        expect(now?.meanWaitSeconds).toBeLessThanOrEqual(before?.meanWaitSeconds ?? 0);
        expect(now?.p95WaitSeconds).toBeLessThanOrEqual(before?.p95WaitSeconds ?? 0);
      }
    },
  );
});
