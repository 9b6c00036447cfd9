import { describe, expect, it } from 'vitest';
import { atRest, ceilingPerMonth, estimateCost } from '#shared/deployment/cost.ts';

const INPUT = { images: 1000, instance: 'ml.g5.xlarge', maxInstances: 2, models: 1, wakes: 1 };

describe('cost', () => {
  it('is GPU seconds at the hourly price: 1000 images of 2 s on ml.g5.xlarge are 78 cents', () => {
    const { busyUsd } = estimateCost({ ...INPUT, secondsPerImage: 2 });
    expect(busyUsd).toBeCloseTo(0.782, 3);
  });

  it('bills a wake for its start and its idle tail', () => {
    const none = estimateCost({ ...INPUT, wakes: 0 });
    const ten = estimateCost({ ...INPUT, wakes: 10 });
    expect(none.wakingUsd).toBe(0);
    expect(ten.totalUsd - none.totalUsd).toBeCloseTo((10 * 12.5 * 60 * 1.408) / 3600, 6);
  });

  it('adds up, and grows with the images alone', () => {
    const cost = estimateCost(INPUT);
    const { busyUsd, wakingUsd, requestsUsd, tableUsd, carryingUsd, storageUsd } = cost;
    const sum = busyUsd + wakingUsd + requestsUsd + tableUsd + carryingUsd + storageUsd;
    expect(cost.totalUsd).toBeCloseTo(sum, 9);
    expect(cost.perImageUsd).toBeCloseTo(sum / 1000, 9);
    expect(estimateCost({ ...INPUT, images: 2000 }).busyUsd).toBeCloseTo(2 * busyUsd, 9);
    expect(estimateCost({ ...INPUT, images: 0 }).perImageUsd).toBe(0);
  });

  it('has a ceiling: most instances, all month', () => {
    expect(estimateCost(INPUT).ceilingPerMonthUsd).toBeCloseTo(2 * 1.408 * 720, 6);
    expect(ceilingPerMonth(['ml.g6.xlarge'], 3)).toBeCloseTo(3 * 1.13 * 720, 6);
  });

  it('has no price for what it does not know', () => {
    expect(() => estimateCost({ ...INPUT, instance: 'constructor' })).toThrow(/no price/);
  });
});

describe('cost at rest', () => {
  it('is less without firewall, dashboard or a model on a GPU', () => {
    expect(atRest({ models: 1 })).toBeCloseTo(18.71, 2);
    const small = { models: 0, firewall: false, dashboard: false };
    expect(atRest(small)).toBeCloseTo(18.71 - 10 - 3 - 7 * 0.023 - 0.6, 2);
  });
});
