import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { fund, PRICE, sampleImage, sampleReceipt } from '#test/helpers/samples.ts';
import { createWorld, DEADLINE_MS, order, read, type World } from '#test/helpers/world.ts';

describe('settlement', () => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld();
    await fund(world.stores.ledger, 20 * PRICE);
  });
  afterEach(() => world.close());

  const running = async (change: Parameters<typeof order>[1] = {}): Promise<Job> => {
    const job = await order(world, change);
    await world.services.dispatcher.dispatchOnce();
    return read(world, job.id);
  };
  const apply = (completion: Parameters<World['services']['settlement']['applyCompletion']>[0]) =>
    world.services.settlement.applyCompletion(completion);

  test('a start is noted once, with its webhook', async () => {
    const webhook = { url: 'https://example.com', events: ['start'] } as const;
    const job = await running({ webhook });
    const startedAt = world.clock.now() + 5;
    await world.services.settlement.applyStart(job.id, startedAt);
    await world.services.settlement.applyStart(job.id, startedAt + 9);
    expect(await read(world, job.id)).toMatchObject({ status: 'processing', startedAt });
    expect(await world.stores.outbox.listByJob(job.id)).toMatchObject([
      { id: `msg_${job.id}_start`, event: 'start' },
    ]);
    await world.services.settlement.applyStart('none' as JobId, startedAt);
  });

  test('progress is told as logs while the job runs, once for each number of images', async () => {
    const webhook = { url: 'https://example.com', events: ['logs', 'completed'] } as const;
    const job = await running({ webhook, images: 4 });
    const { settlement } = world.services;
    const logs = async () =>
      (await world.stores.outbox.listByJob(job.id)).filter(({ event }) => event === 'logs');
    await settlement.applyProgress(job.id, 1);
    expect(await logs()).toEqual([]);
    await settlement.applyStart(job.id, world.clock.now());
    world.clock.advance(600);
    for (const imagesDone of [1, 1, 0]) await settlement.applyProgress(job.id, imagesDone);
    expect(await logs()).toHaveLength(2);
    world.clock.advance(100);
    await settlement.applyProgress(job.id, 2);
    await settlement.applyProgress(job.id, 3);
    const told = await logs();
    expect(told.map(({ nextAttemptAt = 0 }) => nextAttemptAt - world.clock.now())).toEqual([
      -700, -100, 400,
    ]);
    expect((await read(world, job.id)).progress?.imagesDone).toBe(3);
    await apply(await world.gpu.run(job.id));
    await settlement.applyProgress(job.id, 4);
    expect(await logs()).toEqual(told);
  });

  test('progress of a job whose webhook wants no logs is not written down', async () => {
    const job = await running({ images: 2 });
    await world.services.settlement.applyStart(job.id, world.clock.now());
    const before = await read(world, job.id);
    await world.services.settlement.applyProgress(job.id, 1);
    expect(await read(world, job.id)).toEqual(before);
  });

  test('changes are told with the webhooks that were written with them', async () => {
    const webhook = {
      url: 'https://example.com',
      events: ['start', 'output', 'completed'],
    } as const;
    const job = await running({ webhook });
    await world.services.settlement.applyStart(job.id, world.clock.now());
    await apply(await world.gpu.run(job.id));
    const told = world.services.told.map((outbox) => outbox.map(({ event }) => event));
    expect(told).toEqual([['start'], ['output', 'completed']]);
  });

  test('a start that comes after the end changes nothing', async () => {
    const job = await running();
    await apply(await world.gpu.run(job.id));
    await world.services.settlement.applyStart(job.id, world.clock.now());
    expect(await read(world, job.id)).toMatchObject({ status: 'succeeded' });
  });

  test('changes are told: start, requeue, end', async () => {
    const job = await running();
    await world.services.settlement.applyStart(job.id, world.clock.now());
    await apply(await world.gpu.fail(job.id, true));
    await world.services.dispatcher.dispatchOnce();
    await apply(await world.gpu.run(job.id));
    const told = world.services.changes.map(({ status }) => status);
    expect(told).toEqual(['processing', 'starting', 'succeeded']);
  });

  test('a completion of an unknown job is ignored', async () => {
    const job = 'none' as JobId;
    const receipt = sampleReceipt(job, []);
    expect(await apply({ job, outcome: { kind: 'completed', receipt } })).toBe('ignored');
  });

  test('a retryable failure runs the job again, three times in all', async () => {
    const job = await running();
    for (const result of ['requeued', 'requeued', 'settled']) {
      expect(await apply(await world.gpu.fail(job.id, true))).toBe(result);
      await world.services.dispatcher.dispatchOnce();
    }
    expect(await read(world, job.id)).toMatchObject({ status: 'failed', attempts: 3, cost: 0 });
  });

  test('a run that nobody took over does not count, until the deadline', async () => {
    const job = await running();
    for (let round = 0; round < 10; round += 1) {
      expect(await apply({ job: job.id, outcome: { kind: 'refused' } })).toBe('requeued');
      await world.services.dispatcher.dispatchOnce();
    }
    expect(await read(world, job.id)).toMatchObject({ attempts: 11, refusals: 10 });
    await apply(await world.gpu.run(job.id));
    expect((await read(world, job.id)).status).toBe('succeeded');
    const late = await running();
    world.clock.advance(late.deadline - world.clock.now());
    expect(await apply({ job: late.id, outcome: { kind: 'refused' } })).toBe('settled');
    expect(await read(world, late.id)).toMatchObject({
      status: 'failed',
      error: { code: 'deadline-exceeded' },
    });
  });

  test('a retryable failure of a job that nobody holds says nothing of it', async () => {
    const job = await running();
    const completion = await world.gpu.fail(job.id, true);
    expect(await apply(completion)).toBe('requeued');
    expect(await apply(completion)).toBe('ignored');
    expect(await read(world, job.id)).toMatchObject({ status: 'starting', attempts: 1 });
  });

  test('nor after runs that failed: the last one is still to come', async () => {
    const job = await running();
    for (let run = 1; run < 3; run += 1) {
      await apply(await world.gpu.fail(job.id, true));
      await world.services.dispatcher.dispatchOnce();
    }
    expect(await apply({ job: job.id, outcome: { kind: 'refused' } })).toBe('requeued');
    await world.services.dispatcher.dispatchOnce();
    await apply(await world.gpu.run(job.id));
    expect(await read(world, job.id)).toMatchObject({ status: 'succeeded', attempts: 4 });
  });

  test('an order that expired in the queue fails, or is cancelled by its own Cancel-After', async () => {
    const job = await running();
    const bounded = await running({ cancelAfterMs: 5000 });
    for (const { id } of [job, bounded]) await apply({ job: id, outcome: { kind: 'expired' } });
    expect(await read(world, job.id)).toMatchObject({
      status: 'failed',
      error: { code: 'deadline-exceeded' },
    });
    const canceled = await read(world, bounded.id);
    expect(canceled).toMatchObject({ status: 'canceled', cost: 0 });
    expect(canceled.error).toBeUndefined();
  });

  test('a cancellation that comes too late leaves a whole success', async () => {
    const job = await running();
    await world.services.settlement.cancelJob(job.id);
    await apply(await world.gpu.run(job.id));
    expect(await read(world, job.id)).toMatchObject({ status: 'succeeded', cost: PRICE });
  });

  test('past the cancellations of an hour a running job is finished and charged; a waiting one is free', async () => {
    const [first, second] = [await running(), await running()];
    const { settlement } = world.services;
    expect(await settlement.cancelJob(first.id, 1)).toMatchObject({
      cancelRequestedAt: world.clock.now(),
    });
    const refused = await settlement.cancelJob(second.id, 1);
    expect(refused?.cancelRequestedAt).toBeUndefined();
    await apply(await world.gpu.run(second.id));
    expect(await read(world, second.id)).toMatchObject({
      status: 'succeeded',
      cost: PRICE,
      warnings: [expect.stringContaining('too-many-cancels')],
    });
    const waiting = await order(world);
    expect(await settlement.cancelJob(waiting.id, 1)).toMatchObject({
      status: 'canceled',
      cost: 0,
    });
  });

  test('cancelling an ended job returns it as it is; an unknown one is undefined', async () => {
    const job = await running();
    await apply(await world.gpu.run(job.id));
    const ended = await read(world, job.id);
    expect(await world.services.settlement.cancelJob(job.id)).toEqual(ended);
    expect(await world.services.settlement.cancelJob('none' as JobId)).toBeUndefined();
  });

  test('images of a late run are removed, those of the settled one stay', async () => {
    const job = await running({ images: 2 });
    const early = await world.gpu.run(job.id, 1);
    await apply(early);
    const late = await world.gpu.run(job.id, 2);
    const images = [sampleImage(job.id, 0), sampleImage(job.id, 1)];
    await world.blobs.put(images[1]?.key ?? '', new Uint8Array(11), 'image/png');
    const receipt = sampleReceipt(job.id, images);
    expect(await apply({ ...late, outcome: { kind: 'completed', receipt } })).toBe('ignored');
    expect(await world.blobs.head(`outputs/${job.id}/0.png`)).toBeDefined();
    expect(await world.blobs.head(`outputs/${job.id}/1.png`)).toBeUndefined();
    expect(await read(world, job.id)).toMatchObject({ cost: PRICE, images: [{ index: 0 }] });
  });

  test('a receipt that lists more, twice or elsewhere is paid only for what was ordered', async () => {
    const job = await running({ images: 2 });
    const other = await running();
    await world.gpu.run(other.id);
    await world.gpu.run(job.id);
    const images = [
      sampleImage(job.id, 0),
      sampleImage(job.id, 0, { bytes: 999 }),
      sampleImage(other.id, 0, { index: 1 }),
      sampleImage(job.id, 7),
    ];
    await world.blobs.put(images[3]?.key ?? '', new Uint8Array(17), 'image/png');
    const receipt = sampleReceipt(job.id, images);
    await apply({ job: job.id, outcome: { kind: 'completed', receipt } });
    expect(await read(world, job.id)).toMatchObject({ cost: PRICE, images: [{ index: 0 }] });
    // A receipt can't make another job's files go either.
    await apply({ job: job.id, outcome: { kind: 'completed', receipt } });
    expect(await world.blobs.head(`outputs/${other.id}/0.png`)).toBeDefined();
  });

  test('a lost completion is made good from the stored receipt', async () => {
    const job = await running({ images: 2 });
    expect(await world.services.settlement.reconcile(job.id)).toMatchObject({ status: 'starting' });
    await world.gpu.run(job.id);
    expect(await world.services.settlement.reconcile(job.id)).toMatchObject({
      status: 'succeeded',
      cost: 2 * PRICE,
    });
    expect(await world.services.settlement.reconcile('none' as JobId)).toBeUndefined();
  });

  test.each([
    ['no JSON', () => 'not json'],
    ['another shape', () => '{"images":[]}'],
    [
      'another job',
      (job: Job, other: Job) => JSON.stringify(sampleReceipt(other.id, [sampleImage(job.id)])),
    ],
  ])('a stored receipt of %s counts as none', async (_name, text) => {
    const job = await running();
    const other = await running();
    await world.gpu.run(job.id);
    const bytes = new TextEncoder().encode(text(job, other));
    await world.blobs.put(`outputs/${job.id}/receipt.json`, bytes, 'application/json');
    await world.services.settlement.settleFromStorage(job, 'deadline-exceeded');
    expect(await read(world, job.id)).toMatchObject({ status: 'failed', cost: 0 });
  });

  test('a report that comes late does not hide what another run made', async () => {
    for (const outcome of [
      { kind: 'refused' },
      { kind: 'failed', code: 'model-error', message: 'no', retryable: false, images: [] },
    ] as const) {
      const job = await running();
      await world.gpu.run(job.id);
      world.clock.advance(DEADLINE_MS);
      expect(await apply({ job: job.id, outcome })).toBe('settled');
      expect(await read(world, job.id)).toMatchObject({ status: 'succeeded', cost: PRICE });
    }
  });

  test('a job that can no longer be handed over gets what an earlier run made', async () => {
    const job = await running();
    await world.gpu.run(job.id);
    const ending = { kind: 'failed', code: 'internal-error', message: 'no' } as const;
    await world.services.settlement.fail(job, ending);
    expect(await read(world, job.id)).toMatchObject({ status: 'succeeded', cost: PRICE });
  });

  test('erasing removes files and input, not the charge; an open job stays', async () => {
    const job = await running();
    expect(await world.services.settlement.removeJobData(job.id)).toMatchObject({
      status: 'starting',
      input: { seed: 7 },
    });
    await apply(await world.gpu.run(job.id));
    const erased = await world.services.settlement.removeJobData(job.id);
    expect(erased).toMatchObject({ input: null, requestInput: null, images: [], cost: PRICE });
    expect(await world.blobs.list('outputs/')).toEqual([]);
    expect(await world.services.settlement.removeJobData(job.id)).toEqual(erased);
    expect(await world.services.settlement.removeJobData('none' as JobId)).toBeUndefined();
  });
});
