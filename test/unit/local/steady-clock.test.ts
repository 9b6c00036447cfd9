import { expect, test } from 'vitest';
import { createSteadyClock } from '#functions/local/steady-clock.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function world() {
  const times = { wall: 1_000_000 * HOUR, elapsed: 5 };
  const leaps: number[] = [];
  const clock = createSteadyClock(
    { now: () => times.wall },
    () => times.elapsed,
    (ms) => leaps.push(ms),
  );
  const pass = (ms: number) => {
    times.wall += ms;
    times.elapsed += ms;
  };
  return { times, leaps, clock, pass };
}

test('goes with the wall clock, and with small corrections of it', () => {
  const { times, leaps, clock, pass } = world();
  for (const correction of [0, 1000, -2000, HOUR / 2, -HOUR * 30]) {
    pass(10 * DAY);
    times.wall += correction;
    expect(clock.now()).toBe(times.wall);
  }
  expect(leaps).toEqual([]);
});

test('does not follow a leap forward, and says so once', () => {
  const { times, leaps, clock, pass } = world();
  const before = times.wall;
  times.wall += 8 * DAY;
  expect(clock.now()).toBe(before);
  pass(HOUR);
  expect(clock.now()).toBe(before + HOUR);
  expect(leaps).toEqual([8 * DAY]);
});

test('forgets a leap that was taken back', () => {
  const { times, leaps, clock, pass } = world();
  times.wall += 8 * DAY;
  clock.now();
  times.wall -= 8 * DAY;
  expect(clock.now()).toBe(times.wall);
  pass(2 * DAY);
  times.wall += 8 * DAY;
  expect(clock.now()).toBe(times.wall - 8 * DAY);
  expect(leaps).toHaveLength(2);
});

test('believes the new time once it has held for a day', () => {
  const { times, clock, pass } = world();
  times.wall += 8 * DAY;
  clock.now();
  pass(DAY - 1);
  expect(clock.now()).toBe(times.wall - 8 * DAY);
  pass(1);
  expect(clock.now()).toBe(times.wall);
});
