import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toEpochMs, toIso } from '#shared/core/clock.ts';

describe('toEpochMs', () => {
  const zone = process.env['TZ'];
  beforeEach(() => {
    process.env['TZ'] = 'Asia/Kathmandu';
  });
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  it.each([
    ['2026-11-27', '2026-11-27T00:00:00.000Z'],
    ['2026-11-27T19:00', '2026-11-27T19:00:00.000Z'],
    ['2026-11-27T19:00:05', '2026-11-27T19:00:05.000Z'],
    ['2026-11-27T19:00:05.25', '2026-11-27T19:00:05.250Z'],
    ['2026-11-27T19:00:05Z', '2026-11-27T19:00:05.000Z'],
    ['2026-11-27T19:00:05+05:45', '2026-11-27T13:15:05.000Z'],
    ['2026-11-27T19:00:05-03:30', '2026-11-27T22:30:05.000Z'],
  ])('takes %s in UTC unless it has an offset, wherever the machine is', (text, at) => {
    expect(new Date(text.slice(0, 16)).getTimezoneOffset()).toBe(-345);
    expect(toIso(toEpochMs(text))).toBe(at);
  });

  it('knows no time where there is none', () => {
    expect([toEpochMs(null), toEpochMs(undefined)]).toEqual([undefined, undefined]);
  });
});
