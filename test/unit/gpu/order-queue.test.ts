import { describe, expect, it, vi } from 'vitest';
import {
  createOrderQueue,
  type OrderQueue,
  type QueuedOrder,
  stopError,
} from '#functions/gpu/order-queue.ts';
import type { Order } from '#functions/gpu/read-order.ts';
import type { Receipt } from '#shared/core/inference.ts';

const NOW = 1_000_000;

/** A queue whose running order ends when the test says so. */
function setUp(maxWaiting = 8): {
  queue: OrderQueue;
  started: string[];
  finish: () => void;
  interrupt: ReturnType<typeof vi.fn>;
} {
  const started: string[] = [];
  let current: { queued: QueuedOrder; resolve: (r: Receipt) => void; reject: (e: unknown) => void };
  const interrupt = vi.fn(() => {
    const { queued, reject } = current;
    reject(stopError(queued.stopReason ?? 'canceled'));
  });
  const queue = createOrderQueue({
    clock: { now: () => NOW },
    maxWaiting,
    interrupt,
    run: (queued) => {
      started.push(queued.order.request.job);
      return new Promise((resolve, reject) => {
        current = { queued, resolve, reject };
      });
    },
  });
  const finish = () => current.resolve({ job: current.queued.order.request.job } as Receipt);
  return { queue, started, finish, interrupt };
}

const order = (job: string, deadline = NOW + 60_000): Order =>
  ({ request: { job, deadline } }) as unknown as Order;

describe('createOrderQueue', () => {
  it('runs one order at a time, first come, first served', async () => {
    const { queue, started, finish } = setUp();
    const all = ['a', 'b', 'c'].map((job) => queue.submit(order(job)));
    expect(started).toEqual(['a']);
    for (const [i, job] of ['a', 'b', 'c'].entries()) {
      finish();
      expect(await all[i]).toMatchObject({ job });
    }
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('joins an order that is here already', async () => {
    const { queue, started, finish } = setUp();
    const [one, two] = [queue.submit(order('a')), queue.submit(order('a'))];
    finish();
    expect(await one).toBe(await two);
    expect(started).toEqual(['a']);
  });

  it('turns away, to come again, what is more than may wait', async () => {
    const { queue, finish } = setUp(1);
    const first = queue.submit(order('a'));
    queue.submit(order('b'));
    await expect(queue.submit(order('c'))).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
    finish();
    await first;
  });

  it('runs the next one after a failure', async () => {
    const { queue, started, interrupt } = setUp();
    const first = queue.submit(order('a'));
    queue.submit(order('b'));
    expect(queue.cancel('a')).toBe(true);
    await expect(first).rejects.toMatchObject({ code: 'canceled' });
    expect(interrupt).toHaveBeenCalledOnce();
    await vi.waitFor(() => expect(started).toEqual(['a', 'b']));
  });

  it('lets go of a waiting order without touching the running one', async () => {
    const { queue, interrupt } = setUp();
    queue.submit(order('a'));
    const waiting = queue.submit(order('b'));
    expect(queue.cancel('b')).toBe(true);
    await expect(waiting).rejects.toMatchObject({ code: 'canceled' });
    expect(interrupt).not.toHaveBeenCalled();
    expect(queue.cancel('b')).toBe(false);
  });

  it('ends a running and a waiting order at their deadlines', async () => {
    vi.useFakeTimers();
    const { queue, interrupt, started } = setUp();
    const running = queue.submit(order('a', NOW + 1000));
    const waiting = queue.submit(order('b', NOW + 500));
    const late = { code: 'deadline-exceeded', status: 504 };
    const both = Promise.all([
      expect(waiting).rejects.toMatchObject(late),
      expect(running).rejects.toMatchObject(late),
    ]);
    await vi.advanceTimersByTimeAsync(500);
    expect(interrupt).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(500);
    await both;
    expect(started).toEqual(['a']);
    vi.useRealTimers();
  });

  it('does not begin what is late already', async () => {
    const { queue, started } = setUp();
    await expect(queue.submit(order('a', NOW))).rejects.toMatchObject({
      code: 'deadline-exceeded',
    });
    expect(started).toEqual([]);
  });

  it('drains: the running order ends by itself, the others are sent away', async () => {
    const { queue, finish, interrupt } = setUp();
    const running = queue.submit(order('a'));
    const waiting = queue.submit(order('b'));
    const drained = queue.drain(10_000);
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    await expect(queue.submit(order('c'))).rejects.toMatchObject({ code: 'unavailable' });
    finish();
    expect(await running).toMatchObject({ job: 'a' });
    await drained;
    expect(interrupt).not.toHaveBeenCalled();
  });

  it('ends the running order when draining takes too long', async () => {
    const { queue } = setUp();
    const running = queue.submit(order('a'));
    const drained = queue.drain(10);
    await expect(running).rejects.toMatchObject({ code: 'unavailable' });
    await drained;
  });
});
