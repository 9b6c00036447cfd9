import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startBackgroundLoops } from '#functions/local/background-loops.ts';
import { createWorld, type World } from '#test/helpers/world.ts';

const DAY = 24 * 3_600_000;

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

it('a clock that leaps forward by eight days does not carry along what is erased', async () => {
  const { clock, stores } = world;
  const sweep = vi.fn<(now: number, steady: number) => Promise<void>>(async () => undefined);
  const errors: string[] = [];
  const loops = startBackgroundLoops({
    stores,
    clock,
    randomBytes: (size) => new Uint8Array(size),
    services: { ...world.services, sweep: { sweep } } as never,
    onWebhooks: () => undefined,
    onError: (error) => errors.push(String(error)),
  });
  const start = clock.now();
  await vi.waitFor(() => expect(sweep).toHaveBeenCalled());
  clock.advance(8 * DAY);
  await vi.waitFor(() => expect(sweep.mock.lastCall?.[0]).toBe(start + 8 * DAY), 5000);
  await loops.stop();
  const [, steady = 0] = sweep.mock.lastCall ?? [];
  expect(steady - start).toBeLessThan(DAY);
  expect(errors).toEqual([expect.stringContaining('leapt forward by 192 hours')]);
});
