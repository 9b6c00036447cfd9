import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LEDGER_MS } from '#shared/service/domain/ledger-pages.ts';
import { createSweep } from '#shared/service/domain/sweep.ts';
import {
  fund,
  HOUR,
  MINUTE,
  OTHER_ACCOUNT,
  PRICE,
  sampleGrant,
  sampleKey,
} from '#test/helpers/samples.ts';
import {
  createWorld,
  DEADLINE_MS,
  GRACE_MS,
  order,
  RETENTION_MS,
  read,
  type World,
} from '#test/helpers/world.ts';

describe('sweep', () => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld();
    await fund(world.stores.ledger, 20 * PRICE);
  });
  afterEach(() => world.close());

  const sweep = () => world.services.sweep.sweep(world.clock.now());
  const NOTHING = { settled: 0, expiredCredits: 0, removed: 0, forgotten: 0 };

  test('has nothing to do in good times', async () => {
    await order(world);
    expect(await sweep()).toEqual(NOTHING);
  });

  test('neither erases nor expires anything by a clock that leapt forward', async () => {
    const job = await order(world);
    const preview = await order(world, { preview: true });
    for (const { id } of [job, preview]) await world.services.settlement.cancelJob(id);
    const now = world.clock.now();
    await world.stores.ledger.grant(sampleGrant(PRICE, { expiresAt: now + RETENTION_MS }));
    const leapt = now + 2 * RETENTION_MS;
    expect(await world.services.sweep.sweep(leapt, now)).toEqual(NOTHING);
    expect(await world.services.sweep.sweep(leapt)).toEqual({
      ...NOTHING,
      removed: 2,
      expiredCredits: 1,
    });
  });

  test('nor forgets records by it', async () => {
    const records = {
      removeBefore: vi.fn(async () => 0),
      compactLedger: vi.fn(async () => 0),
    };
    const { ports, settlement } = world.services;
    const { sweep } = createSweep({
      ...{ ...ports, records, settlement, queue: world.gpu.queue },
      settings: {
        graceMs: GRACE_MS,
        runningCancelsPerHour: 0,
        retentionMs: RETENTION_MS,
        recordMs: HOUR,
        limit: 10,
      },
      onError: (error) => expect.fail(String(error)),
    });
    const now = world.clock.now();
    await sweep(now + 8 * 24 * HOUR, now);
    expect(records.removeBefore).toHaveBeenCalledWith(now - HOUR, expect.any(Number));
    expect(records.compactLedger).toHaveBeenCalledWith(now - LEDGER_MS, expect.any(Number));
  });

  test('takes on all that is due, however much more than it reads at a time', async () => {
    await fund(world.stores.ledger, 100 * PRICE, OTHER_ACCOUNT);
    const key = sampleKey({ account: OTHER_ACCOUNT });
    await Promise.all(Array.from({ length: 35 }, () => order(world, { key })));
    for (let i = 0; i < 25; i++) {
      const expiresAt = world.clock.now() + DEADLINE_MS;
      await world.stores.ledger.grant(sampleGrant(1, { expiresAt }));
    }
    world.clock.advance(DEADLINE_MS);
    expect(await sweep()).toEqual({ settled: 35, expiredCredits: 25, removed: 0, forgotten: 0 });
    world.clock.advance(RETENTION_MS + 1);
    expect(await sweep()).toEqual({ settled: 0, expiredCredits: 0, removed: 35, forgotten: 0 });
  });

  test('cancels a waiting job that nobody asks for any more', async () => {
    const job = await order(world, { attachWithinMs: MINUTE });
    world.clock.advance(MINUTE);
    expect(await sweep()).toEqual({ ...NOTHING, settled: 1 });
    expect(await read(world, job.id)).toMatchObject({ status: 'canceled', cost: 0 });
  });

  test('stops a running job that nobody asks for any more, and ends it after the grace', async () => {
    const job = await order(world, { attachWithinMs: MINUTE });
    await world.services.dispatcher.dispatchOnce();
    world.clock.advance(MINUTE);
    await world.services.dispatcher.renewLeases();
    expect(await sweep()).toEqual(NOTHING);
    expect(world.gpu.canceled).toContain(job.id);
    world.clock.advance(GRACE_MS);
    await world.services.dispatcher.renewLeases();
    expect(await sweep()).toEqual({ ...NOTHING, settled: 1 });
    expect(await read(world, job.id)).toMatchObject({ status: 'canceled', cost: 0 });
  });

  describe('a running job past its own Cancel-After', () => {
    const cancelAfterMs = 5000;
    /** Handed over, and then its time has come. */
    const late = async () => {
      const job = await order(world, { cancelAfterMs, images: 2 });
      await world.services.dispatcher.dispatchOnce();
      world.clock.advance(cancelAfterMs);
      return job;
    };

    test('is stopped, and paid for what it has made', async () => {
      const job = await late();
      expect(await sweep()).toEqual(NOTHING);
      expect(world.gpu.canceled).toContain(job.id);
      const stopped = await world.gpu.fail(job.id, false, 1);
      await world.services.settlement.applyCompletion(stopped);
      expect(await read(world, job.id)).toMatchObject({ status: 'canceled', cost: PRICE });
    });

    test('is ended after the grace when nothing is heard of it', async () => {
      const job = await late();
      world.clock.advance(GRACE_MS - 1);
      await world.services.dispatcher.renewLeases();
      expect(await sweep()).toEqual(NOTHING);
      world.clock.advance(GRACE_MS - 1);
      await world.services.dispatcher.renewLeases();
      expect(await sweep()).toEqual(NOTHING);
      world.clock.advance(1);
      expect(await sweep()).toEqual({ ...NOTHING, settled: 1 });
      expect(await read(world, job.id)).toMatchObject({ status: 'canceled', cost: 0 });
    });

    test('counts as a cancellation; past those of the hour it is finished and charged', async () => {
      await world.restart({ runningCancelsPerHour: 1 });
      const { settlement } = world.services;
      const [first, second] = [await order(world, { cancelAfterMs }), await late()];
      await sweep();
      const requested = await Promise.all(
        [first, second].map(async ({ id }) => (await read(world, id)).cancelRequestedAt),
      );
      expect(requested).toEqual([world.clock.now(), undefined]);
      expect([...world.gpu.canceled]).toEqual([first.id]);
      const third = await order(world);
      await world.services.dispatcher.dispatchOnce();
      expect((await settlement.cancelJob(third.id, 1))?.cancelRequestedAt).toBeUndefined();
      // Its own time never comes again.
      world.clock.advance(MINUTE);
      await world.services.dispatcher.renewLeases();
      await sweep();
      expect([...world.gpu.canceled]).toEqual([first.id]);
      await settlement.applyCompletion(await world.gpu.run(second.id));
      expect(await read(world, second.id)).toMatchObject({
        status: 'succeeded',
        cost: 2 * PRICE,
        warnings: [expect.stringMatching(/^too-many-cancels: 1 /)],
      });
    });

    test('has the deployment’s deadline then, and fails at that', async () => {
      await world.restart({ runningCancelsPerHour: 0 });
      const job = await late();
      await sweep();
      const { createdAt } = job;
      expect((await read(world, job.id)).deadline).toBe(createdAt + DEADLINE_MS);
      world.clock.advance(DEADLINE_MS + GRACE_MS);
      expect(await sweep()).toEqual({ ...NOTHING, settled: 1 });
      expect(await read(world, job.id)).toMatchObject({
        status: 'failed',
        cost: 0,
        error: { code: 'deadline-exceeded' },
      });
    });

    test('has its grace at the deployment’s deadline, also where no sweep came before', async () => {
      const job = await late();
      world.clock.advance(DEADLINE_MS - cancelAfterMs);
      await world.stores.jobs.renewLease(job.id, 1, world.clock.now() + 10 * MINUTE);
      expect(await sweep()).toEqual(NOTHING);
      expect(world.gpu.canceled).toContain(job.id);
      world.clock.advance(GRACE_MS);
      expect(await sweep()).toEqual({ ...NOTHING, settled: 1 });
      expect(await read(world, job.id)).toMatchObject({ status: 'canceled', cost: 0 });
    });

    test('is free when it waits: before a machine, again, or in the machine’s own line', async () => {
      await world.restart({ runningCancelsPerHour: 0 });
      const job = await late();
      const { settlement, dispatcher } = world.services;
      // It had not begun, and the machine leaves it so.
      const outcome = { kind: 'failed', code: 'canceled', message: '', retryable: false } as const;
      await settlement.applyCompletion({ job: job.id, outcome: { ...outcome, images: [] } });
      const again = await late();
      await world.stores.jobs.giveBack(again.id, 1);
      const waiting = await order(world, { cancelAfterMs });
      world.clock.advance(cancelAfterMs);
      await sweep();
      for (const { id } of [job, again, waiting]) {
        const ended = await read(world, id);
        expect(ended).toMatchObject({ status: 'canceled', cost: 0, warnings: [] });
      }
      expect(await dispatcher.dispatchOnce()).toBe(0);
    });

    test('runs after all when it was refused before it had begun', async () => {
      await world.restart({ runningCancelsPerHour: 0 });
      const job = await late();
      await sweep();
      const { settlement, dispatcher } = world.services;
      const outcome = { kind: 'failed', code: 'canceled', message: '', retryable: false } as const;
      const completion = { job: job.id, outcome: { ...outcome, images: [] } };
      expect(await settlement.applyCompletion(completion)).toBe('requeued');
      await dispatcher.dispatchOnce();
      expect(world.gpu.orders.get(job.id)).not.toHaveProperty('begin_by');
      await settlement.applyCompletion(await world.gpu.run(job.id));
      expect(await read(world, job.id)).toMatchObject({ status: 'succeeded', cost: 2 * PRICE });
    });

    test('is told when it must begin, and when its run ends', async () => {
      const { id, createdAt, deadline } = await late();
      expect(world.gpu.orders.get(id)).toMatchObject({
        begin_by: deadline,
        deadline: createdAt + DEADLINE_MS,
      });
    });
  });

  test('leaves a running job its grace after the deadline, then takes what is stored', async () => {
    const job = await order(world, { images: 3 });
    await world.services.dispatcher.dispatchOnce();
    world.clock.advance(DEADLINE_MS);
    await world.stores.jobs.renewLease(job.id, 1, world.clock.now() + 10 * MINUTE);
    expect(await sweep()).toEqual(NOTHING);
    expect(world.gpu.canceled).toContain(job.id);
    await world.gpu.run(job.id, 2);
    world.clock.advance(GRACE_MS);
    expect(await sweep()).toEqual({ ...NOTHING, settled: 1 });
    expect(await read(world, job.id)).toMatchObject({ status: 'succeeded', cost: 2 * PRICE });
  });

  test('ends a cancelled job whose holder is gone', async () => {
    const job = await order(world);
    await world.services.dispatcher.dispatchOnce();
    await world.services.settlement.cancelJob(job.id);
    await world.restart();
    expect(await sweep()).toEqual({ ...NOTHING, settled: 1 });
    expect(await read(world, job.id)).toMatchObject({ status: 'canceled', cost: 0 });
  });

  test('a cancelled job whose every image is stored is a success', async () => {
    const job = await order(world, { images: 2 });
    await world.services.dispatcher.dispatchOnce();
    await world.services.settlement.cancelJob(job.id);
    await world.gpu.run(job.id);
    world.clock.advance(GRACE_MS);
    await sweep();
    expect(await read(world, job.id)).toMatchObject({ status: 'succeeded', cost: 2 * PRICE });
  });

  test('expires credits', async () => {
    const expiresAt = world.clock.now() + MINUTE;
    await world.stores.ledger.grant(sampleGrant(500, { expiresAt }));
    world.clock.advance(MINUTE);
    expect(await sweep()).toEqual({ ...NOTHING, expiredCredits: 1 });
    expect((await world.stores.ledger.totals()).expired).toBe(500);
  });

  test('erases a preview ten minutes after its end', async () => {
    const preview = await order(world, { preview: true });
    const kept = await order(world);
    for (const { id } of [preview, kept]) await world.services.settlement.cancelJob(id);
    world.clock.advance(10 * MINUTE);
    expect(await sweep()).toEqual(NOTHING);
    world.clock.advance(1);
    expect(await sweep()).toEqual({ ...NOTHING, removed: 1 });
    expect(await read(world, preview.id)).toMatchObject({ input: null, preview: true });
    expect((await read(world, kept.id))?.input).not.toBeNull();
  });

  test('erases what is older than the retention, files and rows', async () => {
    const job = await order(world);
    await world.services.dispatcher.dispatchOnce();
    await world.services.settlement.applyCompletion(await world.gpu.run(job.id));
    world.clock.advance(RETENTION_MS);
    expect(await sweep()).toEqual(NOTHING);
    world.clock.advance(1);
    expect(await sweep()).toEqual({ ...NOTHING, removed: 1 });
    expect(await read(world, job.id)).toMatchObject({
      input: null,
      images: [],
      cost: PRICE,
      dataRemovedAt: world.clock.now(),
    });
    expect(await world.blobs.list('outputs/')).toEqual([]);
  });

  test('goes on with the next job when one fails', async () => {
    const broken = await order(world);
    const other = await order(world);
    await world.restart({
      wrap: (name, port) =>
        name !== 'blobs'
          ? port
          : {
              ...port,
              get: async (key: string) => {
                if (key.includes(broken.id)) throw new Error('bad sector');
                return undefined;
              },
            },
    });
    world.clock.advance(DEADLINE_MS);
    expect(await sweep()).toEqual({ ...NOTHING, settled: 1 });
    expect(world.errors).toMatchObject([{ message: 'bad sector' }]);
    expect((await read(world, other.id)).status).toBe('failed');
  });
});
