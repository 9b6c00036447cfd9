import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GpuClient } from '#functions/local/gpu-client.ts';
import { createLoopbackQueue, type LoopbackQueueDeps } from '#functions/local/loopback-queue.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import { MODEL, sampleReceipt } from '#test/helpers/samples.ts';

const MODEL_NAME = MODEL.name;

function requestOf(job: string): InferenceRequest {
  return {
    job,
    model: MODEL,
    prompt: 'a dog',
    seed: 1,
    width: 64,
    height: 64,
    num_outputs: 1,
    output_format: 'png',
    output_quality: 90,
    store: { kind: 'file', prefix: `outputs/${job}/` },
    deadline: 1e15,
  };
}

const CLIENT: GpuClient = {
  isReady: async () => true,
  invoke: async ({ job }) => ({ kind: 'completed', receipt: sampleReceipt(job as JobId, []) }),
  cancel: async () => undefined,
  progress: async () => undefined,
};

function setUp(change: Partial<LoopbackQueueDeps>) {
  const ends: string[] = [];
  const errors: unknown[] = [];
  const queue = createLoopbackQueue({
    clock: createManualClock(),
    depth: 2,
    client: CLIENT,
    isUp: () => true,
    onStarted: async () => undefined,
    onProgress: async () => undefined,
    onCompletion: async ({ job }) => ends.push(job),
    onError: (error) => errors.push(error),
    ...change,
  });
  return { queue, ends, errors };
}

describe('the GPU function on loopback as a queue', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('reports an end although its start could not be noted, and has room again', async () => {
    const { queue, ends, errors } = setUp({
      onStarted: () => Promise.reject(new Error('disk full')),
    });
    for (const job of ['one', 'two', 'three']) {
      expect(await queue.capacity(MODEL_NAME)).toBeGreaterThan(0);
      await queue.submit(requestOf(job));
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(ends).toEqual(['one', 'two', 'three']);
    expect(errors).toHaveLength(3);
    expect(await queue.capacity(MODEL_NAME)).toBe(2);
  });

  it('reports an end again until it is taken, and runs others meanwhile', async () => {
    const ends: string[] = [];
    let refusals = 5;
    const { queue, errors } = setUp({
      onCompletion: async ({ job }) => {
        if (job === 'one' && refusals-- > 0) throw new Error('disk full');
        ends.push(job);
      },
    });
    await queue.submit(requestOf('one'));
    await vi.advanceTimersByTimeAsync(10);
    await queue.submit(requestOf('two'));
    await vi.advanceTimersByTimeAsync(10);
    expect(ends).toEqual(['two']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ends).toEqual(['two', 'one']);
    expect(errors).toHaveLength(5);
  });

  it('has no room for a moment after the function refused a job', async () => {
    const clock = createManualClock();
    const outcomes: string[] = [];
    const { queue } = setUp({
      clock,
      client: { ...CLIENT, invoke: async () => ({ kind: 'refused' }) },
      onCompletion: async ({ outcome }) => outcomes.push(outcome.kind),
    });
    await queue.submit(requestOf('one'));
    await vi.advanceTimersByTimeAsync(10);
    expect(outcomes).toEqual(['refused']);
    expect(await queue.capacity(MODEL_NAME)).toBe(0);
    clock.advance(1000);
    expect(await queue.capacity(MODEL_NAME)).toBeGreaterThan(0);
  });

  it('has no room while there is no process to hand jobs to', async () => {
    let isUp = false;
    const { queue } = setUp({ isUp: () => isUp });
    expect(await queue.capacity(MODEL_NAME)).toBe(0);
    isUp = true;
    expect(await queue.capacity(MODEL_NAME)).toBe(2);
  });

  it('reports no more once it is closed', async () => {
    let tries = 0;
    const { queue } = setUp({
      onCompletion: async () => {
        tries++;
        throw new Error('closed');
      },
    });
    await queue.submit(requestOf('one'));
    await vi.advanceTimersByTimeAsync(10);
    queue.close();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(tries).toBeLessThanOrEqual(2);
  });
});
