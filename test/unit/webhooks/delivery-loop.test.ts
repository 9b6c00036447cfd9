import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDeliveryLoop, type DeliveryLoopDeps } from '#functions/webhooks/delivery-loop.ts';
import type { AccountId, JobId } from '#shared/core/ids.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { createMemoryOutbox } from '#test/helpers/memory-outbox.ts';

const SLOW_MS = 15_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

let number = 0;
function entry(account: string, url: string, change: Partial<OutboxEntry> = {}): OutboxEntry {
  number += 1;
  return {
    id: `msg_${number}`,
    account: account as AccountId,
    job: `job_${number}` as JobId,
    event: 'completed',
    url,
    createdAt: Date.now(),
    nextAttemptAt: Date.now(),
    attempts: 0,
    ...change,
  };
}

/** Receivers whose host begins with `slow` hang. */
function setUp(change: Partial<DeliveryLoopDeps> = {}) {
  const outbox = createMemoryOutbox();
  const began: { readonly id: string; readonly at: number }[] = [];
  const errors: unknown[] = [];
  const loop = createDeliveryLoop({
    outbox,
    clock: { now: () => Date.now() },
    async deliver({ id, url }) {
      began.push({ id, at: Date.now() });
      if (url.includes('//slow')) await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
      const attempt = { entry: id, number: 1, at: Date.now(), durationMs: 0 };
      await outbox.recordAttempt(attempt, { next: 'delivered' });
    },
    onError: (error) => errors.push(error),
    ...change,
  });
  return { outbox, loop, began, errors };
}

/** Ends a loop whose receivers hang. */
async function stop(loop: ReturnType<typeof createDeliveryLoop>): Promise<void> {
  const stopped = loop.stop();
  await vi.advanceTimersByTimeAsync(2000);
  await stopped;
}

describe('the delivery of webhooks', () => {
  it.each([0, 1, 2, 3, 4, 5])(
    'looks again when woken %i turns after it found nothing',
    async (turns) => {
      let looks = 0;
      const { loop } = setUp({
        outbox: {
          async claimDue() {
            looks++;
            if (looks === 1) void wakeLater();
            return [];
          },
        },
      });
      const wakeLater = async () => {
        for (let turn = 0; turn < turns; turn++) await undefined;
        loop.wake();
      };
      loop.wake();
      await vi.advanceTimersByTimeAsync(0);
      expect(looks).toBe(2);
      await stop(loop);
    },
  );

  it('looks at once, by its timer and when woken, until it is stopped', async () => {
    let looks = 0;
    const { loop } = setUp({
      outbox: {
        claimDue: async () => {
          looks++;
          return [];
        },
      },
    });
    loop.start();
    await vi.advanceTimersByTimeAsync(2500);
    expect(looks).toBe(3);
    loop.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(looks).toBe(4);
    await stop(loop);
    await vi.advanceTimersByTimeAsync(5000);
    loop.wake();
    expect(looks).toBe(4);
  });

  it.each([
    ['one host', () => 'https://slow.example/'],
    ['a host each', (i: number) => `https://slow${i}.example/`],
  ])('of another account is not held up by 500 that hang on %s', async (_where, url) => {
    const { outbox, loop, began } = setUp();
    for (let i = 0; i < 500; i++) await outbox.add(entry('acc_slow', url(i)));
    loop.start();
    await vi.advanceTimersByTimeAsync(100);
    const other = entry('acc_other', 'https://quick.example/');
    await outbox.add(other);
    const since = Date.now();
    loop.wake();
    await vi.advanceTimersByTimeAsync(1000);
    const delivery = began.find(({ id }) => id === other.id);
    expect((delivery?.at ?? Number.POSITIVE_INFINITY) - since).toBeLessThanOrEqual(1000);
    await stop(loop);
  });

  it('of an account’s quick host is not held up by its slow one', async () => {
    const { outbox, loop, began } = setUp();
    for (let i = 0; i < 500; i++) await outbox.add(entry('acc_1', 'https://slow.example/'));
    const quick = entry('acc_1', 'https://quick.example/');
    await outbox.add(quick);
    loop.start();
    await vi.advanceTimersByTimeAsync(1000);
    expect(began.some(({ id }) => id === quick.id)).toBe(true);
    await stop(loop);
  });

  it('ends for all, each once', async () => {
    const { outbox, loop, began } = setUp();
    for (let i = 0; i < 40; i++) await outbox.add(entry('acc_1', 'https://slow.example/'));
    loop.start();
    // Four at a time.
    await vi.advanceTimersByTimeAsync(10 * SLOW_MS + 1000);
    expect(began).toHaveLength(40);
    expect(new Set(began.map(({ id }) => id)).size).toBe(40);
    await stop(loop);
  });

  it('keeps the order of a job, also of entries that come while others are under way', async () => {
    const { outbox, loop, began } = setUp();
    const first = entry('acc_1', 'https://slow.example/', { event: 'start' });
    const second = { ...first, id: 'msg_later', event: 'completed' as const };
    await outbox.add(first);
    loop.start();
    await vi.advanceTimersByTimeAsync(100);
    await outbox.add(second);
    loop.wake();
    await vi.advanceTimersByTimeAsync(SLOW_MS - 1000);
    expect(began.map(({ id }) => id)).toEqual([first.id]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(began.map(({ id }) => id)).toEqual([first.id, second.id]);
    await stop(loop);
  });

  it('goes on after an error, and does not wait long for slow receivers at its end', async () => {
    let calls = 0;
    const outbox = createMemoryOutbox();
    const { loop, errors } = setUp({
      outbox: {
        async claimDue(...args) {
          calls++;
          if (calls === 1) throw new Error('the store is away');
          return outbox.claimDue(...args);
        },
      },
      deliver: () => new Promise(() => undefined),
    });
    await outbox.add(entry('acc_1', 'https://slow.example/'));
    loop.start();
    await vi.advanceTimersByTimeAsync(1500);
    expect(errors).toHaveLength(1);
    expect(calls).toBeGreaterThan(1);
    await stop(loop);
  });
});
