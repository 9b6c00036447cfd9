import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AccountId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { microUsd } from '#shared/core/money.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import {
  fund,
  NOW,
  sampleAdmission,
  sampleGrant,
  sampleReversal,
  sampleSettlement,
} from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

type Step =
  | { readonly do: 'grant'; readonly amount: number; readonly forMs: number }
  | { readonly do: 'order'; readonly amount: number }
  | { readonly do: 'end'; readonly job: number; readonly captured: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'reverse'; readonly amount: number }
  | { readonly do: 'sweep' };

const LASTING = Number.POSITIVE_INFINITY;
const amount = fc.integer({ min: 1, max: 9 });
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('grant' as const),
      amount,
      forMs: fc.constantFrom(10, 20, 30, LASTING),
    }),
    fc.record({ do: fc.constant('order' as const), amount }),
    fc.record({ do: fc.constant('end' as const), job: fc.nat(9), captured: fc.nat(9) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 5, 10, 20) }),
    fc.record({ do: fc.constant('reverse' as const), amount }),
    fc.record({ do: fc.constant('sweep' as const) }),
  ),
  { minLength: 4, maxLength: 25 },
);

interface Credit {
  left: number;
  readonly until: number;
}

/** Credit as it should be, in the plainest terms: each hold knows the coins that it took. */
function createModel() {
  const credits: Credit[] = [];
  let owed = 0;
  /** What is left of coins that come in, once the first of them have paid what is owed. */
  const afterDebt = (coins: number): number => {
    const paid = Math.min(owed, coins);
    owed -= paid;
    return coins - paid;
  };
  const sum = () => credits.reduce((total, { left }) => total + left, 0);

  return {
    balance: sum,
    expire(now: number): void {
      for (const credit of credits) if (credit.until <= now) credit.left = 0;
    },
    owed: () => owed,
    grant(amount: number, until: number): void {
      credits.push({ left: afterDebt(amount), until });
      credits.sort((a, b) => a.until - b.until);
    },
    /** The coins of a hold, one micro-USD each; undefined when there are not enough. */
    take(wanted: number): readonly Credit[] | undefined {
      if (sum() < wanted) return undefined;
      return Array.from({ length: wanted }, () => {
        const credit = credits.find(({ left }) => left > 0) as Credit;
        credit.left--;
        return credit;
      });
    },
    putBack(coins: readonly Credit[]): void {
      for (const credit of coins.slice(coins.length - afterDebt(coins.length))) credit.left++;
    },
    reverse(amount: number): void {
      for (let left = amount; left > 0; left--) {
        const credit = credits.find(({ left }) => left > 0);
        if (credit === undefined) owed++;
        else credit.left--;
      }
    },
  };
}

/** One account's history in the stores and in the model; each answer of the stores is compared. */
function createHistory(stores: StoreSet, clock: ManualClock, account: AccountId) {
  const model = createModel();
  const open: { readonly job: Job; readonly coins: readonly Credit[] }[] = [];

  const order = async (hold: number): Promise<void> => {
    const admission = sampleAdmission({ account, hold: microUsd(hold), createdAt: clock.now() });
    const result = await stores.jobs.admit(admission);
    if (model.owed() > 0) {
      expect(result).toEqual({ outcome: 'account-owes', owed: model.owed() });
      return;
    }
    const coins = model.take(hold);
    expect(result.outcome).toBe(coins === undefined ? 'insufficient-funds' : 'admitted');
    if (result.outcome === 'admitted') open.push({ job: result.job, coins: coins ?? [] });
  };

  const end = async (index: number, wanted: number): Promise<void> => {
    const [ended] = open.splice(index % Math.max(1, open.length), 1);
    if (ended === undefined) return;
    const captured = Math.min(wanted, ended.job.hold);
    await stores.jobs.settle(sampleSettlement(ended.job, { captured: microUsd(captured) }));
    model.putBack(ended.coins.slice(captured));
  };

  const grant = async (value: number, forMs: number): Promise<void> => {
    const until = clock.now() + forMs;
    const change = forMs === LASTING ? {} : { expiresAt: until };
    await stores.ledger.grant(sampleGrant(value, { account, at: clock.now(), ...change }));
    model.grant(value, until);
  };

  const reverse = async (value: number): Promise<void> => {
    await stores.ledger.reverse(sampleReversal(value, { account, at: clock.now() }));
    model.reverse(value);
  };

  return {
    async apply(step: Step): Promise<void> {
      model.expire(clock.now());
      if (step.do === 'order') await order(step.amount);
      if (step.do === 'end') await end(step.job, step.captured);
      if (step.do === 'grant') await grant(step.amount, step.forMs);
      if (step.do === 'reverse') await reverse(step.amount);
      if (step.do === 'wait') clock.advance(step.ms);
      if (step.do === 'sweep') await stores.ledger.expireCredits(clock.now(), 100);
    },
    async check(): Promise<void> {
      model.expire(clock.now());
      expect(await stores.ledger.getAccount(account)).toMatchObject({
        balance: model.balance(),
        ...(model.owed() > 0 && { owed: model.owed() }),
        held: open.reduce((sum, { job }) => sum + job.hold, 0),
      });
    },
  };
}

/** Credit that expires, beside a model of it: over random histories of orders, ends and time. */
export function describeCreditModel(name: string, makeStores: MakeStores): void {
  describe(`expiring credit: ${name}`, () => {
    let stores: StoreSet;
    let clock: ManualClock;

    beforeEach(async () => {
      clock = createManualClock(NOW);
      stores = await makeStores({ clock, randomBytes: createCountedBytes() });
    });
    afterEach(async () => {
      await expectInvariant(stores.ledger);
      await stores.close();
    });

    test.each([
      ['looked at after each step', true],
      ['looked at in the end', false],
    ])('is spent, held, given back and ended as a model says: %s', async (_, looking) => {
      let runs = 0;
      const property = fc.asyncProperty(steps, async (history) => {
        const account = `acc_${++runs}_${looking}` as AccountId;
        await fund(stores.ledger, 0, account);
        const { apply, check } = createHistory(stores, clock, account);
        for (const step of history) {
          await apply(step);
          if (looking) await check();
        }
        await check();
      });
      await fc.assert(property, { numRuns: 40 });
    });
  });
}
