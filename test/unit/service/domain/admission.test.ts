import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ulidTime } from '#shared/core/ids.ts';
import { ACCOUNT, fund, MINUTE, PRICE, sampleKey } from '#test/helpers/samples.ts';
import { createWorld, DEADLINE_MS, order, sampleOrder, type World } from '#test/helpers/world.ts';

describe('admission', () => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld();
    await fund(world.stores.ledger, 20 * PRICE);
  });
  afterEach(() => world.close());

  const submit = (change: Parameters<typeof sampleOrder>[0] = {}) =>
    world.services.admission.submit(sampleOrder(change));

  test('makes the job that was ordered', async () => {
    const now = world.clock.now();
    const job = await order(world, { images: 3, dialect: 'openai', tags: { team: 'blue' } });
    expect(job).toMatchObject({
      account: ACCOUNT,
      key: sampleKey().id,
      dialect: 'openai',
      status: 'starting',
      createdAt: now,
      deadline: now + DEADLINE_MS,
      hold: 3 * PRICE,
      price: { perImage: PRICE, version: 'v1' },
      budgetDay: '2026-11-23',
      budgetMonth: '2026-11',
      tags: { team: 'blue' },
      attempts: 0,
      input: { seed: 7, num_outputs: 3 },
    });
    expect(job.cancelAtDeadline).toBeUndefined();
    expect(ulidTime(job.id)).toBe(now);
  });

  test('draws a seed when none is given, another for each job', async () => {
    const { seed: _given, ...input } = sampleOrder().input;
    const seeds = new Set<number | undefined>();
    for (let i = 0; i < 5; i++) seeds.add((await order(world, { input })).input?.seed);
    expect(seeds.size).toBe(5);
    for (const seed of seeds) {
      expect(Number.isInteger(seed)).toBe(true);
      expect(seed).toBeGreaterThanOrEqual(0);
      expect(seed).toBeLessThanOrEqual(0xffff_ffff);
    }
    expect((await order(world, { input: { ...input, seed: 0 } })).input?.seed).toBe(0);
  });

  test('Cancel-After is the deadline, unless the deployment’s own comes first', async () => {
    const now = world.clock.now();
    expect(await order(world, { cancelAfterMs: 5000 })).toMatchObject({
      deadline: now + 5000,
      cancelAtDeadline: true,
      latestEnd: now + DEADLINE_MS,
    });
    const long = await order(world, { cancelAfterMs: DEADLINE_MS + 1 });
    expect(long.deadline).toBe(now + DEADLINE_MS);
    expect([long.cancelAtDeadline, long.latestEnd]).toEqual([undefined, undefined]);
  });

  test('a model with a small vocabulary says which words it ignores, and goes on', async () => {
    const model = { ...sampleOrder().model, words: ['dog', 'snow'] };
    const asked = (prompt: string) =>
      order(world, { model, input: { ...sampleOrder().input, prompt } });
    expect((await asked('a dog in the snow')).warnings).toEqual([]);
    expect((await asked('a samurai riding a dog')).warnings).toEqual([
      'unknown-words: “samurai” and “riding” are words that this model doesn’t know and ignores',
    ]);
  });

  test('a size without a price is refused before anything is stored', async () => {
    const input = { ...sampleOrder().input, width: 4096 };
    await expect(submit({ input })).rejects.toMatchObject({ code: 'invalid-input' });
    expect(await world.stores.jobs.list({ account: ACCOUNT, limit: 9 })).toEqual([]);
  });

  describe('a retry whose first answer was lost', () => {
    test('attaches to the youngest unanswered job of the same body, each once', async () => {
      const first = await order(world);
      expect(await submit({ retryCount: 1 })).toMatchObject({
        outcome: 'replayed',
        job: { id: first.id },
      });
      expect(await submit({ retryCount: 2 })).toMatchObject({ outcome: 'admitted' });
    });

    test('does not attach for 10 minutes and longer', async () => {
      await order(world, { cancelAfterMs: 60 * MINUTE });
      world.clock.advance(10 * MINUTE + 1);
      expect((await submit({ retryCount: 1 })).outcome).toBe('admitted');
    });

    test('does not attach to an answered job, another key’s or another body’s', async () => {
      const answered = await order(world);
      await world.stores.jobs.markAnswered(answered.id);
      await order(world, { bodyHash: 'e'.repeat(64) });
      expect((await submit({ retryCount: 1 })).outcome).toBe('admitted');
    });

    test('equal bodies without the header are two orders', async () => {
      await order(world);
      expect((await submit()).outcome).toBe('admitted');
      expect((await submit({ retryCount: 0 })).outcome).toBe('admitted');
    });

    test('an idempotency key decides alone', async () => {
      await order(world);
      const idempotency = { route: 'r', key: 'k' };
      expect((await submit({ retryCount: 1, idempotency })).outcome).toBe('admitted');
    });
  });
});
