import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import type { Completion } from '#shared/service/ports/inference-queue.ts';
import { expectInvariant, expectNoExpiredCreditSpent } from '#test/helpers/invariant.ts';
import {
  ACCOUNT,
  fund,
  OTHER_ACCOUNT,
  PRICE,
  sampleGrant,
  sampleKey,
} from '#test/helpers/samples.ts';
import {
  createWorld,
  DEADLINE_MS,
  expectAllSettled,
  GRACE_MS,
  sampleOrder,
  type World,
} from '#test/helpers/world.ts';

type Step =
  | { readonly do: 'submit'; readonly images: number; readonly who: number; readonly key: number }
  | { readonly do: 'dispatch' | 'sweep' | 'restart' | 'renew' | 'expire' }
  | { readonly do: 'start' | 'cancel' | 'erase' | 'reconcile' | 'lose-image'; readonly job: number }
  | { readonly do: 'finish'; readonly job: number; readonly end: End; readonly count: number }
  /** Hands in a completion of any time before, perhaps again; those never picked are lost. */
  | { readonly do: 'deliver'; readonly letter: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'grant'; readonly who: number; readonly forMs: number };
type End = 'run' | 'fail' | 'fail-retryable';

const pick = fc.nat(30);
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      images: fc.integer({ min: 1, max: 4 }),
      who: fc.nat(1),
      key: fc.nat(8),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'dispatch' as const,
        'dispatch',
        'dispatch',
        'sweep',
        'restart',
        'renew',
        'expire',
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('start' as const, 'cancel', 'erase', 'reconcile', 'lose-image'),
      job: pick,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('finish' as const),
      job: pick,
      end: fc.constantFrom<End[]>('run', 'run', 'fail', 'fail-retryable'),
      count: fc.nat(4),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), letter: pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 1000, 31_000, GRACE_MS, DEADLINE_MS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('grant' as const),
      who: fc.nat(1),
      forMs: fc.constantFrom(1000, DEADLINE_MS),
    }),
  },
);

const accounts = [ACCOUNT, OTHER_ACCOUNT] as const;

/** One history: what was ordered, and the completions that the GPU function ever sent. */
function createHistory(world: World) {
  const ids: JobId[] = [];
  const letters: Completion[] = [];
  const at = <T>(list: readonly T[], index: number): T | undefined => list[index % list.length];

  const finish = async (step: Extract<Step, { do: 'finish' }>): Promise<void> => {
    const id = at([...world.gpu.orders.keys()], step.job);
    if (id === undefined) return;
    if (step.end === 'run') letters.push(await world.gpu.run(id, step.count));
    else letters.push(await world.gpu.fail(id, step.end === 'fail-retryable', step.count));
  };

  const submit = async (step: Extract<Step, { do: 'submit' }>): Promise<void> => {
    const account = accounts[step.who] ?? ACCOUNT;
    const result = await world.services.admission.submit(
      sampleOrder({
        images: step.images,
        key: sampleKey({ account }),
        ...(step.key > 3 ? {} : { idempotency: { route: 'r', key: String(step.key) } }),
        ...(step.key % 2 === 0 ? {} : { cancelAfterMs: 45_000, attachWithinMs: 30_000 }),
      }),
    );
    if (result.outcome === 'admitted') ids.push(result.job.id);
  };

  const touchJob = async (action: Step['do'], id: JobId | undefined): Promise<void> => {
    if (id === undefined) return;
    const { settlement } = world.services;
    if (action === 'start') await settlement.applyStart(id, world.clock.now());
    if (action === 'cancel') await settlement.cancelJob(id);
    if (action === 'erase') await settlement.removeJobData(id);
    if (action === 'reconcile') await settlement.reconcile(id);
    if (action !== 'lose-image') return;
    // Only what was never settled may get lost: durable means durable.
    const job = await world.stores.jobs.get(id);
    if (job?.completedAt === undefined) await world.blobs.delete(`outputs/${id}/0.png`);
  };

  const grant = async (step: Extract<Step, { do: 'grant' }>): Promise<void> => {
    const account = accounts[step.who] ?? ACCOUNT;
    const expiresAt = world.clock.now() + step.forMs;
    await world.stores.ledger.grant(sampleGrant(3 * PRICE, { account, expiresAt }));
  };

  const deliver = async (letter: Completion | undefined): Promise<void> => {
    if (letter !== undefined) await world.services.settlement.applyCompletion(letter);
  };

  return async (step: Step): Promise<unknown> => {
    const { services, clock } = world;
    switch (step.do) {
      case 'submit':
        return submit(step);
      case 'finish':
        return finish(step);
      case 'dispatch':
        return services.dispatcher.dispatchOnce();
      case 'renew':
        return services.dispatcher.renewLeases();
      case 'sweep':
        return services.sweep.sweep(clock.now());
      case 'expire':
        return world.stores.ledger.expireCredits(clock.now(), 10);
      case 'restart':
        return world.restart();
      case 'wait':
        return clock.advance(step.ms);
      case 'grant':
        return grant(step);
      case 'deliver':
        return deliver(at(letters, step.letter));
      default:
        return touchJob(step.do, at(ids, step.job));
    }
  };
}

/** Steps of one group run at the same time, but for those that stop the process or the clock. */
async function play(world: World, groups: readonly (readonly Step[])[]): Promise<void> {
  const apply = createHistory(world);
  for (const group of groups) {
    const alone = group.some((step) => step.do === 'restart' || step.do === 'lose-image');
    if (alone) for (const step of group) await apply(step);
    else await Promise.all(group.map(apply));
    await expectInvariant(world.stores.ledger);
  }
}

describe('random interleavings', () => {
  test('of orders, completions (twice, late, reordered, lost), cancels and crashes keep the books', async () => {
    const groups = fc.array(fc.array(stepArbitrary, { minLength: 1, maxLength: 4 }), {
      minLength: 5,
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(groups, async (history) => {
        const world = await createWorld({ lanes: 3 });
        try {
          await fund(world.stores.ledger, 12 * PRICE);
          await fund(world.stores.ledger, PRICE, OTHER_ACCOUNT);
          await play(world, history);
          await world.restart();
          world.clock.advance(DEADLINE_MS + GRACE_MS);
          await world.services.sweep.sweep(world.clock.now());
          expect(world.errors).toEqual([]);
          await expectAllSettled(world);
          await expectNoExpiredCreditSpent(world.stores.ledger);
        } finally {
          await world.close();
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
