import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toIso } from '#shared/core/clock.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { microUsd } from '#shared/core/money.ts';
import { createStatements, monthOf } from '#shared/service/domain/statement.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { allEntries, expectInvariant } from '#test/helpers/invariant.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import {
  DAY,
  fund,
  NOW,
  sampleAdmission,
  sampleGrant,
  sampleId,
  sampleReversal,
  sampleSettlement,
} from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

type Step =
  | { readonly do: 'grant'; readonly amount: number; readonly days: number }
  | { readonly do: 'order'; readonly amount: number }
  | { readonly do: 'end'; readonly job: number; readonly captured: number }
  | { readonly do: 'reverse'; readonly amount: number }
  | { readonly do: 'wait'; readonly days: number };

const amount = fc.integer({ min: 1, max: 9_999_999 });
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('grant' as const), amount, days: fc.constantFrom(3, 20, 900) }),
    fc.record({ do: fc.constant('order' as const), amount }),
    fc.record({ do: fc.constant('reverse' as const), amount }),
    fc.record({ do: fc.constant('end' as const), job: fc.nat(9), captured: fc.nat(9_999_999) }),
    fc.record({ do: fc.constant('wait' as const), days: fc.constantFrom(0.01, 4, 13, 31) }),
  ),
  { minLength: 4, maxLength: 30 },
);

/** The end of a job gives back what has expired meanwhile. */
const GIVEN_BACK_LATE: readonly Step[] = [
  { do: 'grant', amount: 1, days: 3 },
  { do: 'order', amount: 1 },
  { do: 'wait', days: 0.01 },
  { do: 'grant', amount: 1, days: 3 },
  { do: 'wait', days: 31 },
  { do: 'end', job: 0, captured: 0 },
];

/** A statement adds up to the ledger, whatever happened, on every store. */
export function describeStatements(name: string, makeStores: MakeStores): void {
  describe(`monthly statements: ${name}`, () => {
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

    const apply = async (account: AccountId, step: Step, open: Job[]): Promise<void> => {
      const at = clock.now();
      if (step.do === 'grant') {
        const change = { account, at, expiresAt: at + step.days * DAY, note: '=cmd' };
        await stores.ledger.grant(sampleGrant(step.amount, change));
      }
      if (step.do === 'reverse') {
        await stores.ledger.reverse(sampleReversal(step.amount, { account, at }));
      }
      if (step.do === 'order') {
        const job = { account, hold: microUsd(step.amount), createdAt: at };
        const result = await stores.jobs.admit(sampleAdmission(job));
        if (result.outcome === 'admitted') open.push(result.job);
      }
      const [job] = step.do === 'end' ? open.splice(step.job % Math.max(1, open.length), 1) : [];
      if (step.do !== 'end' || job === undefined) return;
      const captured = microUsd(Math.min(step.captured, job.hold));
      const ended = { completedAt: at, ledgerEntryId: sampleId(at) };
      await stores.jobs.settle({ ...sampleSettlement(job, { captured }), ...ended });
    };

    const live = async (account: AccountId, history: readonly Step[]): Promise<void> => {
      const open: Job[] = [];
      for (const step of history) {
        if (step.do === 'wait') clock.advance(step.days * DAY);
        await stores.ledger.expireCredits(clock.now(), 100);
        await apply(account, step, open);
      }
    };

    test('opening and every change make closing, which opens the next month and is what the account has', async () => {
      let runs = 0;
      const property = fc.asyncProperty(steps, async (history) => {
        const account = `acc_${++runs}` as AccountId;
        const begun = clock.now();
        await fund(stores.ledger, 0, account);
        await live(account, history);
        const statements = createStatements({ ledger: stores.ledger, clock });
        const lines = [];
        let opening = 0;
        for (const month of monthsBetween(begun, clock.now())) {
          const statement = await statements.read(account, monthOf(month));
          expect(statement.opening).toBe(opening);
          const ofMonth = [...statement.lines];
          const sum = ofMonth.reduce((total, { change }) => total + change, 0);
          expect(statement.opening + sum).toBe(statement.closing);
          const kinds = Object.values(statement.sums).reduce((total, change) => total + change, 0);
          expect(kinds).toBe(sum);
          lines.push(...ofMonth);
          opening = statement.closing;
        }
        const known = await stores.ledger.getAccount(account);
        const { balance = 0, held = 0, owed = 0 } = known ?? {};
        expect(opening).toBe(balance + held - owed);
        const moved = (await allEntries(stores.ledger, account)).filter(
          ({ kind, amount }) => !['hold', 'release', 'owed'].includes(kind) && amount > 0,
        );
        expect(new Set(lines.map(({ entry }) => entry.id))).toEqual(
          new Set(moved.map(({ id }) => id)),
        );
        expect(lines).toHaveLength(moved.length);
      });
      await fc.assert(property, { numRuns: 30, examples: [[GIVEN_BACK_LATE]] });
    });
  });
}

/** UTC months from one time to another, such as `2026-11`. */
function monthsBetween(from: number, to: number): readonly string[] {
  const months: string[] = [];
  for (let at = from; ; ) {
    const month = toIso(at).slice(0, 7);
    months.push(month);
    at = monthOf(month).to;
    if (at > to) return months;
  }
}
