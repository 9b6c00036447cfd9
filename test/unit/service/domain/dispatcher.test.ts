import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '#shared/core/errors.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import type { Completion } from '#shared/service/ports/inference-queue.ts';
import { ACCOUNT, fund, MODEL, OTHER_ACCOUNT, PRICE, sampleKey } from '#test/helpers/samples.ts';
import { createWorld, order, read, type StartOptions, type World } from '#test/helpers/world.ts';

/** A queue whose `submit` fails as long as there are errors to fail with. */
function failing(errors: Error[]): StartOptions {
  return {
    wrap: (name, port) =>
      name !== 'queue'
        ? port
        : {
            ...port,
            submit: async (request: InferenceRequest) => {
              const error = errors.shift();
              if (error !== undefined) throw error;
              await (port as { submit(request: InferenceRequest): Promise<void> }).submit(request);
            },
          },
  };
}

describe('dispatcher', () => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld({ lanes: 1 });
    await fund(world.stores.ledger, 2000 * PRICE);
    await fund(world.stores.ledger, 100 * PRICE, OTHER_ACCOUNT);
  });
  afterEach(() => world.close());

  const runNext = async () => {
    await world.services.dispatcher.dispatchOnce();
    const [id] = world.gpu.orders.keys();
    if (id === undefined) throw new Error('nothing is running');
    await world.services.settlement.applyCompletion(await world.gpu.run(id));
    return read(world, id);
  };

  test('hands over as much as the queue has room for', async () => {
    for (let i = 0; i < 3; i++) await order(world);
    expect(await world.services.dispatcher.dispatchOnce()).toBe(1);
    expect(await world.services.dispatcher.dispatchOnce()).toBe(0);
    expect(world.services.dispatcher.running()).toBe(1);
    await world.services.settlement.applyCompletion(
      await world.gpu.run([...world.gpu.orders.keys()][0] as Completion['job']),
    );
    expect(world.services.dispatcher.running()).toBe(0);
    expect(await world.services.dispatcher.dispatchOnce()).toBe(1);
  });

  test('sends what was ordered', async () => {
    const job = await order(world, { images: 2 });
    await world.services.dispatcher.dispatchOnce();
    expect(world.gpu.orders.get(job.id)).toEqual({
      job: job.id,
      model: job.model,
      ...job.input,
      store: { kind: 'file', prefix: `outputs/${job.id}/` },
      deadline: job.deadline,
    });
  });

  test('1,000 jobs of one account do not keep another waiting', async () => {
    await Promise.all(Array.from({ length: 1000 }, () => order(world)));
    for (let i = 0; i < 3; i++) await runNext();
    const key = sampleKey({ account: OTHER_ACCOUNT });
    for (let i = 0; i < 3; i++) await order(world, { key });
    const served = [];
    for (let i = 0; i < 6; i++) served.push((await runNext()).account);
    expect(served.filter((account) => account === OTHER_ACCOUNT)).toHaveLength(3);
    expect(served.filter((account) => account === ACCOUNT)).toHaveLength(3);
  });

  test('a job that the queue refuses for now waits again, at its place', async () => {
    const failure = new AppError('unavailable', 'The endpoint is busy', { retryable: true });
    await world.restart(failing([failure]));
    const first = await order(world);
    await order(world);
    await expect(world.services.dispatcher.dispatchOnce()).rejects.toBe(failure);
    expect((await read(world, first.id)).lease).toBeUndefined();
    await world.services.dispatcher.dispatchOnce();
    expect([...world.gpu.orders.keys()]).toEqual([first.id]);
  });

  test('a job that the queue refuses for good fails and is released; the next one runs', async () => {
    await world.restart(failing([new AppError('invalid-input', 'The prompt is too long')]));
    const first = await order(world);
    const second = await order(world);
    expect(await world.services.dispatcher.dispatchOnce()).toBe(1);
    expect(await read(world, first.id)).toMatchObject({
      status: 'failed',
      cost: 0,
      error: { code: 'invalid-input', message: 'The prompt is too long' },
    });
    expect([...world.gpu.orders.keys()]).toEqual([second.id]);
  });

  test('a job that breaks the hand-over again and again is given up', async () => {
    const bug = new TypeError('undefined is not a function');
    await world.restart(failing([bug, bug, bug]));
    const poison = await order(world);
    const next = await order(world);
    for (let i = 0; i < 3; i++) {
      await expect(world.services.dispatcher.dispatchOnce()).rejects.toBe(bug);
    }
    const failed = await read(world, poison.id);
    expect(failed).toMatchObject({ status: 'failed', cost: 0, error: { code: 'internal-error' } });
    expect(failed.error?.message).not.toContain('undefined');
    await world.services.dispatcher.dispatchOnce();
    expect([...world.gpu.orders.keys()]).toEqual([next.id]);
  });

  test('a queue that is down for long fails no job', async () => {
    const down = new AppError('unavailable', 'The endpoint is down', { retryable: true });
    await world.restart(failing(Array.from({ length: 10 }, () => down)));
    const job = await order(world);
    for (let i = 0; i < 10; i++) {
      await expect(world.services.dispatcher.dispatchOnce()).rejects.toBe(down);
    }
    expect(await world.services.dispatcher.dispatchOnce()).toBe(1);
    expect((await read(world, job.id)).status).toBe('starting');
  });

  test('one model that is down does not stop the others', async () => {
    const down = new AppError('unavailable', 'The endpoint is down', { retryable: true });
    await world.restart({
      models: ['onestep/down', MODEL.name],
      wrap: (name, port) =>
        name !== 'queue'
          ? port
          : {
              ...port,
              capacity: async (model: string) => {
                if (model !== MODEL.name) throw down;
                return 1;
              },
            },
    });
    const job = await order(world);
    await expect(world.services.dispatcher.dispatchOnce()).rejects.toBe(down);
    expect([...world.gpu.orders.keys()]).toEqual([job.id]);
  });

  test('a job past its deadline is ended, not run', async () => {
    const job = await order(world, { cancelAfterMs: 5000 });
    world.clock.advance(5000);
    expect(await world.services.dispatcher.dispatchOnce()).toBe(0);
    expect(await read(world, job.id)).toMatchObject({ status: 'canceled', cost: 0 });
  });

  test('a job cancelled while it is handed over is stopped', async () => {
    const wrap: StartOptions['wrap'] = (name, port) =>
      name !== 'queue'
        ? port
        : {
            ...port,
            submit: async (request: InferenceRequest) => {
              await world.stores.jobs.requestCancel(request.job as never, world.clock.now());
              await (port as { submit(request: InferenceRequest): Promise<void> }).submit(request);
            },
          };
    await world.restart({ wrap });
    const job = await order(world);
    await world.services.dispatcher.dispatchOnce();
    expect(world.gpu.canceled).toContain(job.id);
  });

  test('leases of running jobs are renewed, those of ended ones forgotten', async () => {
    const job = await order(world);
    await world.services.dispatcher.dispatchOnce();
    world.clock.advance(20_000);
    await world.services.dispatcher.renewLeases();
    expect((await read(world, job.id)).lease?.expiresAt).toBe(world.clock.now() + 30_000);
    await world.stores.jobs.giveBack(job.id, 1);
    await world.services.dispatcher.renewLeases();
    expect(world.services.dispatcher.running()).toBe(0);
  });

  test('the loop starts on waking, and a drain gives back what does not end in time', async () => {
    const { dispatcher, settlement } = world.services;
    const finished = await order(world);
    dispatcher.start();
    dispatcher.wake();
    await waitFor(() => world.gpu.orders.has(finished.id));
    await settlement.applyCompletion(await world.gpu.run(finished.id));
    const slow = await order(world);
    dispatcher.wake();
    await waitFor(() => world.gpu.orders.has(slow.id));
    const waiting = await order(world);
    await dispatcher.drain(30);
    expect(world.gpu.canceled).toContain(slow.id);
    // What the stopped run still reports is no cancellation by the client.
    const outcome = { kind: 'failed', code: 'canceled', message: 'Stopped' } as const;
    const completion = { job: slow.id, outcome: { ...outcome, retryable: false, images: [] } };
    expect(await settlement.applyCompletion(completion)).toBe('ignored');
    await world.restart();
    await world.services.dispatcher.dispatchOnce();
    expect([...world.gpu.orders.keys()]).toEqual([slow.id]);
    expect((await read(world, waiting.id)).status).toBe('starting');
  });

  test('a drain ends although the store takes nothing back, and a restart does', async () => {
    const jobs = await Promise.all([order(world), order(world)]);
    const full = new Error('The disk is full');
    await world.restart({
      wrap: (name, port) =>
        name === 'jobs' ? { ...port, giveBack: () => Promise.reject(full) } : port,
    });
    await world.services.dispatcher.dispatchOnce();
    await world.services.dispatcher.drain(1);
    expect(world.errors.splice(0)).toEqual([full]);
    await world.restart();
    for (let i = 0; i < jobs.length; i++) await runNext();
    expect((await world.stores.ledger.totals()).captured).toBe(2 * PRICE);
  });

  test('a restart runs again what was running, and loses nothing', async () => {
    const first = await order(world);
    const second = await order(world);
    await world.services.dispatcher.dispatchOnce();
    await world.restart();
    expect((await runNext()).id).toBe(first.id);
    expect((await runNext()).id).toBe(second.id);
    const { captured } = await world.stores.ledger.totals();
    expect(captured).toBe(2 * PRICE);
  });
});

async function waitFor(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(condition()).toBe(true);
}
