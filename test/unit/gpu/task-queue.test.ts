import { describe, expect, it, vi } from 'vitest';
import type { Task } from '#functions/gpu/read-task.ts';
import {
  createTaskQueue,
  type QueuedTask,
  stopError,
  type TaskQueue,
} from '#functions/gpu/task-queue.ts';
import type { Receipt } from '#shared/core/inference.ts';

const NOW = 1_000_000;

/** A queue whose running task ends when the test says so. */
function setUp(maxWaiting = 8): {
  queue: TaskQueue;
  started: string[];
  finish: () => void;
  interrupt: ReturnType<typeof vi.fn>;
} {
  const started: string[] = [];
  let current: { queued: QueuedTask; resolve: (r: Receipt) => void; reject: (e: unknown) => void };
  const interrupt = vi.fn(() => {
    const { queued, reject } = current;
    reject(stopError(queued.stopReason ?? 'canceled'));
  });
  const queue = createTaskQueue({
    clock: { now: () => NOW },
    maxWaiting,
    interrupt,
    run: (queued) => {
      started.push(queued.task.request.job);
      return new Promise((resolve, reject) => {
        current = { queued, resolve, reject };
      });
    },
  });
  const finish = () => current.resolve({ job: current.queued.task.request.job } as Receipt);
  return { queue, started, finish, interrupt };
}

const task = (job: string, deadline = NOW + 60_000): Task =>
  ({ request: { job, deadline } }) as unknown as Task;

describe('createTaskQueue', () => {
  it('runs one task at a time, first come, first served', async () => {
    const { queue, started, finish } = setUp();
    const all = ['a', 'b', 'c'].map((job) => queue.submit(task(job)));
    expect(started).toEqual(['a']);
    for (const [i, job] of ['a', 'b', 'c'].entries()) {
      finish();
      expect(await all[i]).toMatchObject({ job });
    }
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('joins a task that is here already', async () => {
    const { queue, started, finish } = setUp();
    const [one, two] = [queue.submit(task('a')), queue.submit(task('a'))];
    finish();
    expect(await one).toBe(await two);
    expect(started).toEqual(['a']);
  });

  it('turns away, to come again, what is more than may wait', async () => {
    const { queue, finish } = setUp(1);
    const first = queue.submit(task('a'));
    queue.submit(task('b'));
    await expect(queue.submit(task('c'))).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
    finish();
    await first;
  });

  it('runs the next one after a failure', async () => {
    const { queue, started, interrupt } = setUp();
    const first = queue.submit(task('a'));
    queue.submit(task('b'));
    expect(queue.cancel('a')).toBe(true);
    await expect(first).rejects.toMatchObject({ code: 'canceled' });
    expect(interrupt).toHaveBeenCalledOnce();
    await vi.waitFor(() => expect(started).toEqual(['a', 'b']));
  });

  it('lets go of a waiting task without touching the running one', async () => {
    const { queue, interrupt } = setUp();
    queue.submit(task('a'));
    const waiting = queue.submit(task('b'));
    expect(queue.cancel('b')).toBe(true);
    await expect(waiting).rejects.toMatchObject({ code: 'canceled' });
    expect(interrupt).not.toHaveBeenCalled();
    expect(queue.cancel('b')).toBe(false);
  });

  it('ends a running and a waiting task at their deadlines', async () => {
    vi.useFakeTimers();
    const { queue, interrupt, started } = setUp();
    const running = queue.submit(task('a', NOW + 1000));
    const waiting = queue.submit(task('b', NOW + 500));
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
    await expect(queue.submit(task('a', NOW))).rejects.toMatchObject({
      code: 'deadline-exceeded',
    });
    expect(started).toEqual([]);
  });

  it('drains: the running task ends by itself, the others are sent away', async () => {
    const { queue, finish, interrupt } = setUp();
    const running = queue.submit(task('a'));
    const waiting = queue.submit(task('b'));
    const drained = queue.drain(10_000);
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    await expect(queue.submit(task('c'))).rejects.toMatchObject({ code: 'unavailable' });
    finish();
    expect(await running).toMatchObject({ job: 'a' });
    await drained;
    expect(interrupt).not.toHaveBeenCalled();
  });

  it('ends the running task when draining takes too long', async () => {
    const { queue } = setUp();
    const running = queue.submit(task('a'));
    const drained = queue.drain(10);
    await expect(running).rejects.toMatchObject({ code: 'unavailable' });
    await drained;
  });
});
