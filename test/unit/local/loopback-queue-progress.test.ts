import { expect, it, vi } from 'vitest';
import type { GpuClient } from '#functions/local/gpu-client.ts';
import { createLoopbackQueue } from '#functions/local/loopback-queue.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import type { InferenceOutcome, Progress } from '#shared/service/ports/inference-queue.ts';

it('tells of the start once, and of each number of images that it sees, until the end', async () => {
  vi.useFakeTimers();
  const steps: (Progress | undefined)[] = [
    undefined,
    { phase: 'loading', startedAt: 5, imagesDone: 0 },
    { phase: 'running', startedAt: 5, imagesDone: 0 },
    { phase: 'running', startedAt: 5, imagesDone: 1 },
    { phase: 'running', startedAt: 5, imagesDone: 1 },
    { phase: 'running', startedAt: 5, imagesDone: 3 },
  ];
  let finish: (outcome: InferenceOutcome) => void = () => undefined;
  const progress = vi.fn(async () => (steps.length > 1 ? steps.shift() : steps[0]));
  const told: unknown[] = [];
  const queue = createLoopbackQueue({
    clock: { now: () => 9 },
    depth: 2,
    client: {
      isReady: async () => true,
      invoke: () => new Promise((resolve) => (finish = resolve)),
      cancel: async () => undefined,
      progress,
    } satisfies GpuClient,
    isUp: () => true,
    onStarted: async (_job, startedAt) => void told.push(['started', startedAt]),
    onProgress: async (_job, imagesDone) => void told.push(['images', imagesDone]),
    onCompletion: async () => void told.push('completed'),
    onError: (error) => told.push(error),
  });
  await queue.submit({ job: 'job' as JobId, model: { name: 'm' } } as unknown as InferenceRequest);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told).toEqual([
    ['started', 5],
    ['images', 1],
    ['images', 3],
  ]);
  finish({ kind: 'expired' });
  await vi.advanceTimersByTimeAsync(200);
  const looks = progress.mock.calls.length;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told.at(-1)).toBe('completed');
  expect(progress.mock.calls.length).toBe(looks);
  vi.useRealTimers();
});
