import { describe, expect, it, vi } from 'vitest';
import type { Task } from '#functions/gpu/read-task.ts';
import { createTaskQueue, type QueuedTask } from '#functions/gpu/task-queue.ts';
import type { Receipt } from '#shared/core/inference.ts';

const NOW = 1_000_000;

/** A queue whose tasks end when the test says so, or when their signals do. */
function setUp({ inFlight = 1, maxWaiting = 8 } = {}) {
  const started: string[] = [];
  const running = new Map<string, { queued: QueuedTask; resolve: (r: Receipt) => void }>();
  const queue = createTaskQueue({
    clock: { now: () => NOW },
    inFlight,
    maxWaiting,
    run: (queued) => {
      const { job } = queued.task.request;
      started.push(job);
      queued.state.startedAt = NOW;
      return new Promise((resolve, reject) => {
        running.set(job, { queued, resolve });
        queued.signal.addEventListener('abort', () => reject(queued.signal.reason));
      });
    },
  });
  const finish = (job: string) => running.get(job)?.resolve({ job } as Receipt);
  /** Makes a task one that has not begun to draw. */
  const holdBack = (job: string) => {
    const state = running.get(job)?.queued.state;
    if (state !== undefined) state.startedAt = undefined;
  };
  return { queue, started, finish, holdBack };
}

const task = (job: string, deadline = NOW + 60_000): Task =>
  ({ request: { job, deadline } }) as unknown as Task;

describe('createTaskQueue', () => {
  it('runs one task at a time, first come, first served', async () => {
    const { queue, started, finish } = setUp();
    const all = ['a', 'b', 'c'].map((job) => queue.submit(task(job)));
    expect(started).toEqual(['a']);
    for (const [i, job] of ['a', 'b', 'c'].entries()) {
      finish(job);
      expect(await all[i]).toMatchObject({ job });
    }
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('works on as many at a time as are to be in flight', async () => {
    const { queue, started, finish } = setUp({ inFlight: 3 });
    const all = ['a', 'b', 'c', 'd'].map((job) => queue.submit(task(job)));
    expect(started).toEqual(['a', 'b', 'c']);
    finish('b');
    expect(await all[1]).toMatchObject({ job: 'b' });
    await vi.waitFor(() => expect(started).toEqual(['a', 'b', 'c', 'd']));
  });

  it('joins a task that is here already', async () => {
    const { queue, started, finish } = setUp();
    const [one, two] = [queue.submit(task('a')), queue.submit(task('a'))];
    finish('a');
    expect(await one).toBe(await two);
    expect(started).toEqual(['a']);
  });

  it('turns away, to come again, what is more than may wait', async () => {
    const { queue, finish } = setUp({ maxWaiting: 1 });
    const first = queue.submit(task('a'));
    queue.submit(task('b'));
    await expect(queue.submit(task('c'))).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
    finish('a');
    await first;
  });

  it('runs the next one after a failure', async () => {
    const { queue, started } = setUp();
    const first = queue.submit(task('a'));
    queue.submit(task('b'));
    expect(queue.cancel('a')).toBe(true);
    await expect(first).rejects.toMatchObject({ code: 'canceled' });
    await vi.waitFor(() => expect(started).toEqual(['a', 'b']));
  });

  it('lets go of a waiting task without touching the running one', async () => {
    const { queue, finish } = setUp();
    const running = queue.submit(task('a'));
    const waiting = queue.submit(task('b'));
    expect(queue.cancel('b')).toBe(true);
    await expect(waiting).rejects.toMatchObject({ code: 'canceled' });
    expect(queue.cancel('b')).toBe(false);
    finish('a');
    expect(await running).toMatchObject({ job: 'a' });
  });

  it('ends a running and a waiting task at their deadlines', async () => {
    vi.useFakeTimers();
    const { queue, started } = setUp();
    const running = queue.submit(task('a', NOW + 1000));
    const waiting = queue.submit(task('b', NOW + 500));
    const late = { code: 'deadline-exceeded', status: 504 };
    const both = Promise.all([
      expect(waiting).rejects.toMatchObject(late),
      expect(running).rejects.toMatchObject(late),
    ]);
    await vi.advanceTimersByTimeAsync(500);
    expect(queue.state('a')).toBeDefined();
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
    const { queue, finish } = setUp();
    const running = queue.submit(task('a'));
    const waiting = queue.submit(task('b'));
    const drained = queue.drain(10_000);
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    await expect(queue.submit(task('c'))).rejects.toMatchObject({ code: 'unavailable' });
    finish('a');
    expect(await running).toMatchObject({ job: 'a' });
    await drained;
  });

  it('drains: what is in flight and has not begun to draw is sent away as well', async () => {
    const { queue, finish, holdBack } = setUp({ inFlight: 2 });
    const drawing = queue.submit(task('a'));
    const ready = queue.submit(task('b'));
    holdBack('b');
    const drained = queue.drain(10_000);
    await expect(ready).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    finish('a');
    expect(await drawing).toMatchObject({ job: 'a' });
    await drained;
  });

  it('ends the running tasks when draining takes too long', async () => {
    const { queue } = setUp();
    const running = queue.submit(task('a'));
    const drained = queue.drain(10);
    await expect(running).rejects.toMatchObject({ code: 'unavailable' });
    await drained;
  });
});
