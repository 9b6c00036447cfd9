import { describe, expect, test } from 'vitest';
import type { Job } from '#shared/core/job.ts';
import { type FaultPlan, InjectedFault, planFault } from '#test/helpers/faults.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { ACCOUNT, fund, PRICE, sampleGrant } from '#test/helpers/samples.ts';
import {
  createWorld,
  DEADLINE_MS,
  expectAllSettled,
  GRACE_MS,
  RETENTION_MS,
  sampleOrder,
  type World,
} from '#test/helpers/world.ts';

const CREDIT = 20 * PRICE;

/** Runs a step as a process would: a failure is logged by somebody and the rest goes on. */
async function attempt<T>(step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof InjectedFault) return undefined;
    throw error;
  }
}

/**
 * Everything that happens to jobs: whole, partial, failed, retried, cancelled, expired, erased.
 * Returns the job that its owner wanted erased.
 */
async function live(world: World): Promise<Job | undefined> {
  const { admission, settlement, dispatcher, sweep } = world.services;
  const submit = async (change: Parameters<typeof sampleOrder>[0]): Promise<Job | undefined> => {
    const result = await attempt(() => admission.submit(sampleOrder(change)));
    return result?.outcome === 'admitted' ? result.job : undefined;
  };
  const webhook = { url: 'https://example.com', events: ['start', 'logs', 'completed'] } as const;
  const whole = await submit({ webhook, idempotency: { route: 'r', key: 'k' } });
  const partial = await submit({ images: 4 });
  const failed = await submit({});
  const running = await submit({ images: 2 });
  const waiting = await submit({ cancelAfterMs: 5000 });
  await attempt(() => dispatcher.dispatchOnce());
  await attempt(() => dispatcher.renewLeases());
  if (whole) await attempt(() => settlement.applyStart(whole.id, world.clock.now()));
  if (whole) await attempt(() => settlement.applyProgress(whole.id, 1));
  if (running) await attempt(() => settlement.cancelJob(running.id));
  const finish = async (job: Job | undefined, end: 'run' | 'fail', count?: number) => {
    if (job === undefined || !world.gpu.orders.has(job.id)) return;
    const completion =
      end === 'run'
        ? await world.gpu.run(job.id, count)
        : await world.gpu.fail(job.id, true, count);
    await attempt(() => settlement.applyCompletion(completion));
    await attempt(() => settlement.applyCompletion(completion));
  };
  await finish(whole, 'run');
  await finish(partial, 'run', 3);
  await finish(failed, 'fail');
  await finish(running, 'fail', 1);
  if (waiting) await attempt(() => settlement.cancelJob(waiting.id));
  if (whole) await attempt(() => settlement.removeJobData(whole.id));
  await attempt(() => sweep.sweep(world.clock.now()));
  return whole;
}

async function createFunded(plan: FaultPlan): Promise<World> {
  const world = await createWorld({ wrap: plan.wrap });
  await fund(world.stores.ledger, CREDIT - PRICE);
  const expiresAt = world.clock.now() + DEADLINE_MS;
  await world.stores.ledger.grant(sampleGrant(PRICE, { expiresAt }));
  return world;
}

describe('a fault at each storage call in turn', async () => {
  const dry = planFault(-1, 'before');
  const world = await createFunded(dry);
  await live(world);
  await world.close();

  test('the scenario touches every call that writes', () => {
    for (const call of [
      'jobs.admit',
      'jobs.claimNext',
      'jobs.renewLease',
      'jobs.markStarted',
      'jobs.noteProgress',
      'jobs.requestCancel',
      'jobs.giveBack',
      'jobs.settle',
      'jobs.removeData',
      'ledger.expireCredits',
      'blobs.head',
      'blobs.delete',
      'queue.submit',
      'queue.cancel',
    ]) {
      expect(dry.calls).toContain(call);
    }
  });

  const cases = dry.calls.flatMap((call, index) => [
    { call, index, moment: 'before' as const },
    { call, index, moment: 'after' as const },
  ]);
  test.each(cases)('$moment call $index, $call', async ({ index, moment }) => {
    const world = await createFunded(planFault(index, moment));
    try {
      const erased = await live(world);
      await expectInvariant(world.stores.ledger);
      await world.restart();
      await expectInvariant(world.stores.ledger);
      world.clock.advance(DEADLINE_MS + GRACE_MS);
      await world.services.sweep.sweep(world.clock.now());
      // Whoever asked for an erasure and got an error asks again.
      if (erased) await world.services.settlement.removeJobData(erased.id);
      await expectAllSettled(world);
      world.clock.advance(RETENTION_MS + 1);
      await world.services.sweep.sweep(world.clock.now());
      expect(await world.blobs.list('outputs/')).toEqual([]);
      const account = await world.stores.ledger.getAccount(ACCOUNT);
      const { captured, expired } = await world.stores.ledger.totals();
      expect(account?.balance).toBe(CREDIT - captured - expired);
    } finally {
      await world.close();
    }
  });
});
