import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isTerminal } from '#shared/core/job.ts';
import { microUsd } from '#shared/core/money.ts';
import { readUsage } from '#shared/service/domain/usage.ts';
import { allEntries, expectInvariant } from '#test/helpers/invariant.ts';
import { ACCOUNT, DAY, fund, HOUR, MODEL, PRICE, sampleKey } from '#test/helpers/samples.ts';
import {
  bookAt,
  createWorld,
  DEADLINE_MS,
  expectAllSettled,
  GRACE_MS,
  order,
  read,
  sampleOrder,
  type World,
} from '#test/helpers/world.ts';

const webhook = { url: 'https://example.com/hook', events: ['completed'] as const };

describe('ledger invariants', () => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld();
    await fund(world.stores.ledger, 10 * PRICE);
  });
  afterEach(async () => {
    await expectInvariant(world.stores.ledger);
    await world.close();
  });

  const account = () => world.stores.ledger.getAccount(ACCOUNT);
  const ends = async () =>
    (await allEntries(world.stores.ledger, ACCOUNT))
      .map(({ kind }) => kind)
      .filter((kind) => kind === 'capture' || kind === 'release');
  /** Orders, hands over, and makes the images; the completion is left to the test. */
  const run = async (images = 1, made?: number) => {
    const job = await order(world, { images });
    await world.services.dispatcher.dispatchOnce();
    return { job, completion: await world.gpu.run(job.id, made) };
  };

  test('1. the whole price is held before queueing, else 402 with no job and no work', async () => {
    const job = await order(world, { images: 4 });
    expect(job.hold).toBe(4 * PRICE);
    expect(await account()).toMatchObject({ balance: 6 * PRICE, held: 4 * PRICE });
    await order(world, { images: 4 });
    const refused = await world.services.admission.submit(sampleOrder({ images: 3 }));
    expect(refused).toMatchObject({
      outcome: 'insufficient-funds',
      balance: 2 * PRICE,
      quote: { total: 3 * PRICE },
    });
    expect(await world.stores.jobs.list({ account: ACCOUNT, limit: 10 })).toHaveLength(2);
    expect(await world.services.dispatcher.dispatchOnce()).toBe(2);
  });

  test('2. each hold has exactly one end: capture or release', async () => {
    const { job, completion } = await run();
    const { settlement } = world.services;
    const results = await Promise.all([
      settlement.applyCompletion(completion),
      settlement.applyCompletion(completion),
      settlement.cancelJob(job.id),
      settlement.settleFromStorage(job, 'deadline-exceeded'),
    ]);
    expect(results).toBeDefined();
    expect(await ends()).toEqual(['capture']);
    expect(await settlement.applyCompletion(completion)).toBe('ignored');
    expect(await ends()).toEqual(['capture']);
  });

  test('3. the balance is never negative: one of N parallel creates at N−1 prices is refused', async () => {
    const results = await Promise.all(
      Array.from({ length: 11 }, () => world.services.admission.submit(sampleOrder())),
    );
    const refused = results.filter(({ outcome }) => outcome !== 'admitted');
    expect(refused.map(({ outcome }) => outcome)).toEqual(['insufficient-funds']);
    expect(await account()).toMatchObject({ balance: 0, held: 10 * PRICE });
  });

  test('4. only images that are durably stored are captured', async () => {
    const { job, completion } = await run(3);
    await world.blobs.delete(`outputs/${job.id}/1.png`);
    await world.blobs.put(`outputs/${job.id}/2.png`, new Uint8Array(3), 'image/png');
    await world.services.settlement.applyCompletion(completion);
    const ended = await read(world, job.id);
    expect(ended).toMatchObject({ status: 'succeeded', cost: PRICE, images: [{ index: 0 }] });
    expect(ended.warnings.join()).toContain('1 of 3 images');

    const none = await run(1);
    await world.blobs.delete(`outputs/${none.job.id}/0.png`);
    await world.services.settlement.applyCompletion(none.completion);
    expect(await read(world, none.job.id)).toMatchObject({ status: 'failed', cost: 0, images: [] });
  });

  test('4b. a crash between storing and settling is decided from storage', async () => {
    const { job } = await run(2);
    await world.restart();
    world.clock.advance(DEADLINE_MS);
    await world.services.sweep.sweep(world.clock.now());
    expect(await read(world, job.id)).toMatchObject({ status: 'succeeded', cost: 2 * PRICE });
    await expectAllSettled(world);
  });

  describe('5. what was not delivered is not paid', () => {
    test('failed: released in full', async () => {
      const job = await order(world);
      await world.services.dispatcher.dispatchOnce();
      await world.services.settlement.applyCompletion(await world.gpu.fail(job.id, false));
      expect(await read(world, job.id)).toMatchObject({
        status: 'failed',
        cost: 0,
        error: { code: 'model-error' },
      });
    });

    test('cancelled before it started: released in full', async () => {
      const job = await order(world);
      const canceled = await world.services.settlement.cancelJob(job.id);
      expect(canceled).toMatchObject({ status: 'canceled', cost: 0 });
      expect(world.gpu.canceled.size).toBe(0);
      expect(await world.services.dispatcher.dispatchOnce()).toBe(0);
    });

    test('expired in the queue: released in full', async () => {
      const job = await order(world);
      world.clock.advance(DEADLINE_MS);
      await world.services.sweep.sweep(world.clock.now());
      expect(await read(world, job.id)).toMatchObject({
        status: 'failed',
        cost: 0,
        error: { code: 'deadline-exceeded' },
      });
    });

    test('its own Cancel-After passed before it started: cancelled and released', async () => {
      const job = await order(world, { cancelAfterMs: 5000 });
      world.clock.advance(5000);
      await world.services.sweep.sweep(world.clock.now());
      expect(await read(world, job.id)).toMatchObject({ status: 'canceled', cost: 0 });
    });

    test('cancelled while running: delivered images captured, the rest released', async () => {
      const job = await order(world, { images: 4 });
      await world.services.dispatcher.dispatchOnce();
      expect(await world.services.settlement.cancelJob(job.id)).toMatchObject({
        status: 'starting',
      });
      expect(world.gpu.canceled).toContain(job.id);
      const completion = await world.gpu.fail(job.id, false, 2);
      await world.services.settlement.applyCompletion(completion);
      expect(await read(world, job.id)).toMatchObject({ status: 'canceled', cost: 2 * PRICE });
    });

    test('partial batch: delivered images captured, the rest released', async () => {
      const { job, completion } = await run(4, 3);
      await world.services.settlement.applyCompletion(completion);
      expect(await read(world, job.id)).toMatchObject({ status: 'succeeded', cost: 3 * PRICE });
      expect(await account()).toMatchObject({ balance: 7 * PRICE, held: 0 });
    });
  });

  test('6. an idempotent replay is the same job, with no second hold, for a day and longer', async () => {
    const idempotency = { route: 'POST /v1/predictions', key: 'k1' };
    const job = await order(world, { idempotency });
    const again = () => world.services.admission.submit(sampleOrder({ idempotency }));
    const replays = await Promise.all(Array.from({ length: 19 }, again));
    expect(replays.every((replay) => replay.outcome === 'replayed')).toBe(true);
    expect(replays.map((replay) => 'job' in replay && replay.job)).toEqual(
      Array.from({ length: 19 }, () => job),
    );
    expect(await account()).toMatchObject({ held: PRICE });
    await world.services.dispatcher.dispatchOnce();
    await world.services.settlement.applyCompletion(await world.gpu.run(job.id));
    world.clock.advance(DAY);
    expect(await again()).toMatchObject({
      outcome: 'replayed',
      job: { id: job.id, status: 'succeeded', cost: PRICE },
    });
    const other = sampleOrder({ idempotency, bodyHash: 'f'.repeat(64) });
    expect(await world.services.admission.submit(other)).toMatchObject({
      outcome: 'idempotency-mismatch',
      job: job.id,
    });
    const elsewhere = { ...idempotency, route: 'POST /v1/images' };
    const result = await world.services.admission.submit(sampleOrder({ idempotency: elsewhere }));
    expect(result.outcome).toBe('admitted');
  });

  test('7. a job run twice is billed once: leases fence, capture goes by job', async () => {
    const job = await order(world);
    await world.services.dispatcher.dispatchOnce();
    const first = await world.gpu.run(job.id);
    // The first holder falls silent; its lease runs out and another takes the job.
    world.clock.advance(31_000);
    await world.services.dispatcher.dispatchOnce();
    expect(await read(world, job.id)).toMatchObject({ attempts: 2 });
    const second = await world.gpu.run(job.id);
    expect(await world.services.settlement.applyCompletion(second)).toBe('settled');
    expect(await world.services.settlement.applyCompletion(first)).toBe('ignored');
    expect(await ends()).toEqual(['capture']);
    expect((await read(world, job.id)).images).toHaveLength(1);
    expect(await world.blobs.head(`outputs/${job.id}/0.png`)).toBeDefined();
  });

  test('8. no hold outlives deadline and grace', async () => {
    const waiting = await order(world);
    const running = await order(world);
    await world.services.dispatcher.dispatchOnce();
    expect(world.gpu.orders.size).toBe(2);
    await world.restart();
    await world.services.dispatcher.dispatchOnce();
    world.clock.advance(DEADLINE_MS + GRACE_MS);
    await world.services.sweep.sweep(world.clock.now());
    for (const { id } of [waiting, running]) {
      expect(isTerminal((await read(world, id)).status)).toBe(true);
    }
    expect(await account()).toMatchObject({ balance: 10 * PRICE, held: 0 });
  });

  test('9. the quote at admission is the price, whatever the book says later', async () => {
    const { job, completion } = await run(2);
    expect(job.price).toEqual({ perImage: PRICE, version: 'v1' });
    await world.restart({ book: bookAt(3 * PRICE, 'v2') });
    expect((await order(world)).price).toEqual({ perImage: 3 * PRICE, version: 'v2' });
    await world.services.settlement.applyCompletion(completion);
    expect(await read(world, job.id)).toMatchObject({ price: job.price, cost: 2 * PRICE });
    const entries = await allEntries(world.stores.ledger, ACCOUNT);
    expect(entries.find(({ kind }) => kind === 'capture')).toMatchObject({
      amount: 2 * PRICE,
      priceVersion: 'v1',
    });
  });

  test('10. money is whole micro-USD, entries never change, usage sums to the ledger', async () => {
    expect(() => microUsd(0.5)).toThrow();
    const before = await allEntries(world.stores.ledger, ACCOUNT);
    // Entries of one millisecond are in no order.
    world.clock.advance(1);
    for (const images of [1, 2, 3]) {
      const { completion } = await run(images);
      await world.services.settlement.applyCompletion(completion);
      world.clock.advance(DAY);
    }
    const after = await allEntries(world.stores.ledger, ACCOUNT);
    expect(after.slice(-before.length)).toEqual(before);
    expect(after.every(({ amount }) => Number.isSafeInteger(amount))).toBe(true);
    const usage = await readUsage(world.stores.ledger, {
      account: ACCOUNT,
      from: 0,
      to: world.clock.now() + HOUR,
      now: world.clock.now(),
      by: ['day', 'model'],
    });
    expect(usage.rows.map(({ group, images }) => [group['day'], images])).toEqual([
      ['2026-11-23', 1],
      ['2026-11-24', 2],
      ['2026-11-25', 3],
    ]);
    expect(usage.rows[0]?.group['model']).toBe(MODEL.name);
    expect(usage.total).toEqual({ jobs: 3, images: 6, amount: 6 * PRICE });
    expect(usage.total.amount).toBe((await world.stores.ledger.totals(ACCOUNT)).captured);
  });

  test('11. a webhook is in the outbox with the end that it tells of, once, under a fixed id', async () => {
    const job = await order(world, { webhook });
    await world.services.dispatcher.dispatchOnce();
    expect(await world.stores.outbox.listByJob(job.id)).toEqual([]);
    const completion = await world.gpu.run(job.id);
    await Promise.all([
      world.services.settlement.applyCompletion(completion),
      world.services.settlement.applyCompletion(completion),
    ]);
    const entries = await world.stores.outbox.listByJob(job.id);
    expect(entries).toMatchObject([{ id: `msg_${job.id}_completed`, event: 'completed' }]);
  });

  test('12. balance and key caps are checked in the step that admits', async () => {
    const key = sampleKey({ dayCap: microUsd(3 * PRICE), monthCap: microUsd(4 * PRICE) });
    const results = await Promise.all(
      Array.from({ length: 6 }, () => world.services.admission.submit(sampleOrder({ key }))),
    );
    expect(results.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(3);
    expect(results[5]).toMatchObject({ outcome: 'key-budget-exceeded', window: 'day' });
    world.clock.advance(DAY);
    expect((await world.services.admission.submit(sampleOrder({ key }))).outcome).toBe('admitted');
    expect(await world.services.admission.submit(sampleOrder({ key }))).toMatchObject({
      outcome: 'key-budget-exceeded',
      window: 'month',
      spent: 4 * PRICE,
    });
    expect(await account()).toMatchObject({ balance: 6 * PRICE, held: 4 * PRICE });
  });
});
