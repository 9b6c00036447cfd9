import { describe, expect, test } from 'vitest';
import { createLiveRunner } from '#functions/api/browser/live/runner.ts';

/** A page whose orders end when the test says so. */
function createPage() {
  const running: { order: string; end: (how?: unknown) => void }[] = [];
  const page = {
    made: [] as string[],
    shown: [] as string[],
    failures: [] as unknown[],
    slept: [] as number[],
    stale: new Set<string>(),
    most: 0,
    running,
    make(order: string): Promise<string> {
      page.made.push(order);
      return new Promise((resolve, reject) => {
        const entry = {
          order,
          end(problem?: unknown) {
            running.splice(running.indexOf(entry), 1);
            if (problem === undefined) resolve(`picture of ${order}`);
            else reject(problem);
          },
        };
        running.push(entry);
        page.most = Math.max(page.most, running.length);
      });
    },
    show: (_picture: string, order: string, isLast: boolean) =>
      void page.shown.push(isLast ? order : `${order}…`),
    isStale: (order: string) => page.stale.has(order),
    failed: (problem: unknown) => void page.failures.push(problem),
    retryAfterMs: (problem: unknown) => (typeof problem === 'number' ? problem : undefined),
    sleep: async (ms: number) => void page.slept.push(ms),
  };
  return page;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('live orders', () => {
  test('one runs and one waits: a newer one replaces the one that waits', async () => {
    const page = createPage();
    const runner = createLiveRunner(page);
    for (const order of ['a', 'a r', 'a re', 'a red']) runner.want(order);
    expect(page.made).toEqual(['a']);
    page.running[0]?.end();
    await settled();
    expect(page.made).toEqual(['a', 'a red']);
    page.running[0]?.end();
    await settled();
    expect(page.shown).toEqual(['a…', 'a red']);
    expect(page.most).toBe(1);
    expect(runner.isBusy()).toBe(false);
  });

  test('whatever the order of events, the last picture is that of the last order', async () => {
    for (let round = 0; round < 50; round++) {
      let state = round + 1;
      const random = (below: number) => {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        return Math.floor((state / 2_147_483_648) * below);
      };
      const page = createPage();
      const runner = createLiveRunner(page);
      for (let step = 0; step < 30; step++) {
        if (random(2) === 0) runner.want(`order ${step}`);
        else page.running[0]?.end(random(5) === 0 ? 50 : undefined);
        if (random(2) === 0) await settled();
      }
      runner.want('the last');
      while (runner.isBusy()) {
        page.running[0]?.end();
        await settled();
      }
      expect(page.shown.at(-1)).toBe('the last');
      expect(page.most).toBe(1);
    }
  });

  test('what runs when the page turns to something else is dropped, and not cancelled', async () => {
    const page = createPage();
    const runner = createLiveRunner(page);
    runner.want('a dog');
    runner.want('a dog in');
    runner.stop();
    page.running[0]?.end();
    await settled();
    expect(page.made).toEqual(['a dog']);
    expect(page.shown).toEqual([]);
    runner.want('wide');
    page.stale.add('wide');
    page.running[0]?.end();
    await settled();
    expect(page.shown).toEqual([]);
  });

  test('after a refusal for its rate, the newest order is tried when the server said', async () => {
    const page = createPage();
    const runner = createLiveRunner(page);
    runner.want('a');
    page.running[0]?.end(2000);
    await settled();
    expect(page.slept).toEqual([2000]);
    expect(page.made).toEqual(['a', 'a']);
    runner.want('a b');
    page.running[0]?.end(1000);
    await settled();
    expect(page.made).toEqual(['a', 'a', 'a b']);
  });

  test('a failure is told only when nothing newer waits', async () => {
    const page = createPage();
    const runner = createLiveRunner(page);
    runner.want('bad');
    runner.want('bad dog');
    page.running[0]?.end('blocked');
    await settled();
    expect(page.failures).toEqual([]);
    page.running[0]?.end('blocked');
    await settled();
    expect(page.failures).toEqual(['blocked']);
  });
});
