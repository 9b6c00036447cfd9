import { expect, it } from 'vitest';
import { shrinkSteps } from '#test/simulation/shrink.ts';

const STEPS = Array.from({ length: 80 }, (_, step) => step);

it.each([
  { needed: [3, 40, 79] },
  { needed: [0] },
  { needed: [10, 11, 12, 13, 60] },
  { needed: [] },
])('keeps the steps that a failure needs: $needed', async ({ needed }) => {
  let lives = 0;
  const kept = await shrinkSteps(STEPS, async (steps) => {
    lives++;
    return needed.every((step) => steps.includes(step));
  });
  expect(kept).toEqual(needed);
  expect(lives).toBeLessThan(120);
});

it('keeps one way of two in which it fails', async () => {
  const kept = await shrinkSteps(STEPS, async (steps) => {
    return [
      [1, 2, 70],
      [30, 31],
    ].some((needed) => needed.every((step) => steps.includes(step)));
  });
  expect([
    [1, 2, 70],
    [30, 31],
  ]).toContainEqual(kept);
});
