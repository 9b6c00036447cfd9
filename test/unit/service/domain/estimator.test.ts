import { describe, expect, test } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { createEstimator } from '#shared/service/domain/estimator.ts';
import type { Progress } from '#shared/service/ports/inference-queue.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import { sampleAdmission, sampleImage } from '#test/helpers/samples.ts';

function setUp(progress: Progress, position?: number) {
  const clock = createManualClock();
  let asked = 0;
  const estimator = createEstimator({
    jobs: { queuePosition: async () => position, queueDepth: async () => 6 },
    queue: {
      progress: async () => {
        asked++;
        return progress;
      },
    },
    clock,
    expectedImageMs: 2000,
    lanes: 2,
  });
  return { clock, estimator, asked: () => asked };
}

const job = (change: Partial<Job> = {}): Job => ({ ...sampleAdmission().job, rank: 1, ...change });
const ended = (id: string, takenMs: number, images = 1): Job =>
  job({
    id: id as JobId,
    status: 'succeeded',
    startedAt: 1000,
    completedAt: 1000 + takenMs,
    images: Array.from({ length: images }, (_, i) => sampleImage(id as JobId, i)),
  });

describe('estimates', () => {
  test('a waiting job waits for those before it', async () => {
    const { estimator } = setUp({ phase: 'queued', imagesDone: 0 }, 9);
    expect(await estimator.estimate(job())).toEqual({
      phase: 'queued',
      queuePosition: 9,
      etaSeconds: 10,
      imagesDone: 0,
    });
  });

  test('a cold start is named, and its time added', async () => {
    const progress = { phase: 'provisioning', imagesDone: 0, readyInMs: 300_000 } as const;
    const { estimator } = setUp(progress, 0);
    expect(await estimator.estimate(job())).toMatchObject({
      phase: 'provisioning',
      etaSeconds: 301,
    });
  });

  test('a running job has the images left', async () => {
    const { estimator } = setUp({ phase: 'running', imagesDone: 1 });
    const input = { ...job().input, num_outputs: 4 } as Job['input'];
    const lease = { token: 1, expiresAt: 0 };
    expect(await estimator.estimate(job({ input, lease }))).toEqual({
      phase: 'running',
      etaSeconds: 6,
      imagesDone: 1,
    });
  });

  test('learns from ended jobs, and only from those that made images', async () => {
    const { estimator } = setUp({ phase: 'running', imagesDone: 0 });
    const lease = { token: 1, expiresAt: 0 };
    const eta = async (id: string) =>
      (await estimator.estimate(job({ id: id as JobId, lease }))).etaSeconds;
    expect(await eta('a')).toBe(2);
    estimator.observe({ ...ended('x', 90_000), images: [] });
    estimator.observe(job());
    expect(await eta('b')).toBe(2);
    estimator.observe(ended('y', 40_000, 4));
    expect(await eta('c')).toBe(10);
    for (let i = 0; i < 30; i++) estimator.observe(ended('z', 1000));
    expect(await eta('d')).toBe(2);
  });

  test('a forecast counts the queue before an order that is not placed yet', async () => {
    const { estimator } = setUp({ phase: 'queued', imagesDone: 0 });
    expect(await estimator.forecast('onestep/demo', 2)).toEqual({
      phase: 'queued',
      jobsAhead: 6,
      etaSeconds: 10,
    });
  });

  test('asks once a second per job, however many look', async () => {
    const { estimator, clock, asked } = setUp({ phase: 'running', imagesDone: 0 });
    for (let i = 0; i < 50; i++) await estimator.estimate(job({ id: 'a' as JobId }));
    expect(asked()).toBe(1);
    clock.advance(1000);
    await estimator.estimate(job({ id: 'a' as JobId }));
    expect(asked()).toBe(2);
  });
});
