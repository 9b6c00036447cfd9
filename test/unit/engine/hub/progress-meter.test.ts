import { describe, expect, it } from 'vitest';
import { createProgressMeter } from '#shared/engine/hub/progress-meter.ts';

function meterAt(totalBytes: number, presentBytes: number) {
  let nowMs = 0;
  const meter = createProgressMeter(totalBytes, presentBytes, { now: () => nowMs });
  return (atMs: number, bytes: number) => {
    nowMs = atMs;
    return meter(bytes);
  };
}

describe('createProgressMeter', () => {
  it('gives the rate of what arrived, not of what was there', () => {
    const at = meterAt(10_000, 5000);
    expect(at(0, 0)).toMatchObject({ doneBytes: 5000, bytesPerSecond: undefined });
    expect(at(1000, 1000)).toEqual({
      doneBytes: 6000,
      totalBytes: 10_000,
      bytesPerSecond: 1000,
      secondsLeft: 4,
    });
  });

  it('forgets how fast it was long ago', () => {
    const at = meterAt(1e6, 0);
    for (let second = 1; second <= 60; second++) at(second * 1000, 10_000);
    for (let second = 61; second <= 90; second++) at(second * 1000, 100);
    const { bytesPerSecond, doneBytes } = at(91_000, 100);
    expect(doneBytes).toBe(603_100);
    expect(bytesPerSecond).toBeCloseTo(100);
  });

  it('takes back what had to be thrown away', () => {
    const at = meterAt(1000, 0);
    at(1000, 1000);
    expect(at(2000, -1000)).toMatchObject({ doneBytes: 0, bytesPerSecond: undefined });
    expect(at(3000, 500)).toMatchObject({ doneBytes: 500, bytesPerSecond: 500, secondsLeft: 1 });
  });
});
