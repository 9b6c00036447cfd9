import { describe, expect } from 'vitest';
import type { AccountId, KeyId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { microUsd } from '#shared/core/money.ts';
import { allEntries } from '#test/helpers/invariant.ts';
import {
  ACCOUNT,
  fund,
  HOUR,
  KEY,
  MINUTE,
  MODEL,
  NOW,
  OTHER_ACCOUNT,
  PRICE,
  sampleAdmission,
  sampleSettlement,
} from '#test/helpers/samples.ts';

import type { JobStoreTest } from './fixtures.ts';

/** How jobs come in: holds, caps, idempotency, and what was never answered. */
export function describeAdmission(test: JobStoreTest): void {
  describe('admission', () => {
    test('moves the hold from balance to held and stores the job as given', async ({
      ledger,
      jobs,
      money,
    }) => {
      const admission = sampleAdmission({
        attachBy: NOW + MINUTE,
        cancelAtDeadline: true,
        webhook: { url: 'https://example.com/hook', events: ['completed'] },
        tags: { team: 'blue' },
        warnings: ['unknown-words: “samurai” is a word that this model doesn’t know and ignores'],
      });
      const result = await jobs.admit(admission);
      expect(result).toEqual({
        outcome: 'admitted',
        job: { ...admission.job, rank: expect.any(Number) },
      });
      expect(await jobs.get(admission.job.id)).toEqual(result.outcome === 'admitted' && result.job);
      expect(await money()).toEqual({ balance: 9 * PRICE, held: PRICE });
      const entries = await allEntries(ledger, ACCOUNT);
      expect(entries.find(({ kind }) => kind === 'hold')).toMatchObject({
        amount: PRICE,
        job: admission.job.id,
        key: admission.job.key,
        model: MODEL.name,
        priceVersion: 'v1',
        tags: { team: 'blue' },
      });
    });

    test('repeated with the same job id holds once', async ({ jobs, money }) => {
      const admission = sampleAdmission();
      const first = await jobs.admit(admission);
      expect(await jobs.admit(admission)).toEqual(first);
      expect(await money()).toEqual({ balance: 9 * PRICE, held: PRICE });
    });

    test('repeated at the same moment, with other entries for the ledger, holds once', async ({
      jobs,
      money,
    }) => {
      const admission = sampleAdmission();
      const repeats = [1, 2].map(() => sampleAdmission(admission.job));
      const all = [admission, ...repeats].map((one) => jobs.admit(one));
      const [first, ...others] = await Promise.all(all);
      expect(first).toMatchObject({ outcome: 'admitted', job: { id: admission.job.id } });
      for (const other of others) expect(other).toEqual(first);
      expect(await money()).toEqual({ balance: 9 * PRICE, held: PRICE });
    });

    test('50 in parallel on a balance for 10 admit exactly 10 and leave no other row', async ({
      jobs,
      money,
    }) => {
      const admissions = Array.from({ length: 50 }, () => sampleAdmission());
      const results = await Promise.all(admissions.map((admission) => jobs.admit(admission)));
      const outcomes = results.map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'admitted')).toHaveLength(10);
      expect(outcomes.filter((outcome) => outcome === 'insufficient-funds')).toHaveLength(40);
      expect(await jobs.list({ account: ACCOUNT, limit: 100 })).toHaveLength(10);
      expect(await money()).toEqual({ balance: 0, held: 10 * PRICE });
    });

    test('takes no more open jobs of an account than its share, in parallel too', async ({
      jobs,
    }) => {
      const results = await Promise.all(
        Array.from({ length: 9 }, () => jobs.admit(sampleAdmission({}, { accountQueueLimit: 2 }))),
      );
      expect(results.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(2);
      expect(results.filter(({ outcome }) => outcome !== 'admitted')).toEqual(
        Array.from({ length: 7 }, () => ({ outcome: 'queue-full', depth: 2, of: 'account' })),
      );
    });

    test('refuses more than the balance and says what it is', async ({ jobs }) => {
      const result = await jobs.admit(sampleAdmission({ hold: microUsd(10 * PRICE + 1) }));
      expect(result).toEqual({ outcome: 'insufficient-funds', balance: 10 * PRICE });
    });

    test('refuses an account that does not exist as one without funds', async ({ jobs }) => {
      const result = await jobs.admit(sampleAdmission({ account: 'acc_none' as AccountId }));
      expect(result).toEqual({ outcome: 'insufficient-funds', balance: 0 });
    });

    test.for([
      ['day', { dayCap: microUsd(2 * PRICE) }],
      ['month', { monthCap: microUsd(2 * PRICE) }],
    ] as const)(
      'refuses what passes the key cap of the %s, in parallel too',
      async ([window, cap], { jobs, admitted }) => {
        const results = await Promise.all(
          Array.from({ length: 8 }, () => jobs.admit(sampleAdmission({}, cap))),
        );
        expect(results.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(2);
        expect(results.filter(({ outcome }) => outcome !== 'admitted')).toEqual(
          Array.from({ length: 6 }, () => ({
            outcome: 'key-budget-exceeded',
            window,
            spent: 2 * PRICE,
          })),
        );
        // Another key, and the same key in another period, have budgets of their own.
        await admitted({ key: 'key0000000000002' as KeyId }, cap);
        await admitted({ budgetDay: '2026-12-24', budgetMonth: '2026-12' }, cap);
      },
    );

    test('gives a released or partly captured hold back to the key cap', async ({
      jobs,
      admitted,
    }) => {
      const cap = { dayCap: microUsd(2 * PRICE) };
      const whole = await admitted({ hold: microUsd(2 * PRICE) }, cap);
      await jobs.settle(sampleSettlement(whole, { captured: PRICE }));
      const other = await admitted({}, cap);
      expect((await jobs.admit(sampleAdmission({}, cap))).outcome).toBe('key-budget-exceeded');
      await jobs.settle(sampleSettlement(other));
      await admitted({}, cap);
    });

    test('refuses beyond the queue limit of open jobs', async ({ jobs, admitted }) => {
      const limit = { queueLimit: 2 };
      const first = await admitted({}, limit);
      await admitted({}, limit);
      expect(await jobs.admit(sampleAdmission({}, limit))).toEqual({
        outcome: 'queue-full',
        depth: 2,
        of: 'all',
      });
      await jobs.settle(sampleSettlement(first));
      await admitted({}, limit);
    });

    test('refuses an account beyond its share of the open jobs, and no other', async ({
      jobs,
      ledger,
      admitted,
    }) => {
      const limit = { accountQueueLimit: 2 };
      const first = await admitted({}, limit);
      await admitted({}, limit);
      expect(await jobs.admit(sampleAdmission({}, limit))).toEqual({
        outcome: 'queue-full',
        depth: 2,
        of: 'account',
      });
      await fund(ledger, PRICE, OTHER_ACCOUNT);
      await admitted({ account: OTHER_ACCOUNT }, limit);
      await jobs.settle(sampleSettlement(first));
      await admitted({}, limit);
    });
  });

  describe('a key that took the place of another', () => {
    const cap = { dayCap: microUsd(2 * PRICE) };
    const next = { key: 'key0000000000002' as KeyId, budgetKey: KEY };

    test('has what that one left of its caps, and gives back to them', async ({
      jobs,
      admitted,
    }) => {
      await admitted({}, cap);
      const job = await admitted(next, cap);
      expect(await jobs.get(job.id)).toMatchObject(next);
      for (const fields of [{}, next]) {
        expect(await jobs.admit(sampleAdmission(fields, cap))).toMatchObject({
          outcome: 'key-budget-exceeded',
          spent: 2 * PRICE,
        });
      }
      await jobs.settle(sampleSettlement(job));
      await admitted({}, cap);
      expect((await jobs.admit(sampleAdmission(next, cap))).outcome).toBe('key-budget-exceeded');
    });
  });

  describe('idempotency', () => {
    const scope = (expiresAt = NOW + 24 * HOUR) => ({
      idempotency: { scope: 'acc_one|POST /v1/predictions|k1', expiresAt },
    });

    test('one scope in 20 parallel admissions makes one job and one hold', async ({
      jobs,
      money,
    }) => {
      const results = await Promise.all(
        Array.from({ length: 20 }, () => jobs.admit(sampleAdmission({}, scope()))),
      );
      expect(results.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(1);
      expect(results.filter(({ outcome }) => outcome === 'replayed')).toHaveLength(19);
      const ids = new Set(results.map((result) => 'job' in result && (result.job as Job).id));
      expect(ids.size).toBe(1);
      expect(await money()).toEqual({ balance: 9 * PRICE, held: PRICE });
    });

    test('another body under the scope is a mismatch', async ({ jobs, admitted }) => {
      const job = await admitted({}, scope());
      const result = await jobs.admit(sampleAdmission({ bodyHash: 'f'.repeat(64) }, scope()));
      expect(result).toEqual({ outcome: 'idempotency-mismatch', job: job.id });
    });

    test('replays the current state, with no balance left and a full queue', async ({
      jobs,
      admitted,
    }) => {
      const job = await admitted({ hold: microUsd(10 * PRICE) }, scope());
      await jobs.settle(sampleSettlement(job, { captured: microUsd(10 * PRICE) }));
      const result = await jobs.admit(sampleAdmission({}, { ...scope(), queueLimit: 0 }));
      expect(result).toMatchObject({
        outcome: 'replayed',
        job: { id: job.id, status: 'succeeded' },
      });
    });

    test('a scope has its job until it expires; then it is free', async ({ jobs, admitted }) => {
      const job = await admitted({}, scope(NOW + HOUR));
      const again = await jobs.admit(
        sampleAdmission({ createdAt: NOW + HOUR - 1 }, scope(NOW + HOUR)),
      );
      expect(again).toMatchObject({ outcome: 'replayed', job: { id: job.id } });
      const other = { idempotency: { scope: 'other', expiresAt: NOW + HOUR } };
      expect((await admitted({}, other)).id).not.toBe(job.id);
      const later = NOW + HOUR;
      const next = await admitted({ createdAt: later }, scope(later + HOUR));
      expect(next.id).not.toBe(job.id);
    });

    test('a refused admission leaves the scope free', async ({ jobs, admitted }) => {
      await jobs.admit(sampleAdmission({ hold: microUsd(11 * PRICE) }, scope()));
      await admitted({}, scope());
    });
  });

  describe('unanswered creates', () => {
    const key = sampleAdmission().job.key;
    const { bodyHash } = sampleAdmission().job;

    test('gives out the youngest of equal body, each once', async ({ jobs, admitted }) => {
      const old = await admitted();
      const young = await admitted({ createdAt: NOW + 1000 });
      await admitted({ createdAt: NOW + 2000, bodyHash: 'f'.repeat(64) });
      await admitted({ createdAt: NOW + 2000, key: 'key0000000000002' as KeyId });
      expect((await jobs.takeUnanswered(key, bodyHash, NOW))?.id).toBe(young.id);
      expect((await jobs.takeUnanswered(key, bodyHash, NOW))?.id).toBe(old.id);
      expect(await jobs.takeUnanswered(key, bodyHash, NOW)).toBeUndefined();
    });

    test('is given out once in parallel', async ({ jobs, admitted }) => {
      const job = await admitted();
      const taken = await Promise.all(
        Array.from({ length: 8 }, () => jobs.takeUnanswered(key, bodyHash, NOW)),
      );
      expect(taken.filter((one) => one?.id === job.id)).toHaveLength(1);
    });

    test('gives out a parked one, though its answer was written, each time that it is parked', async ({
      jobs,
      admitted,
    }) => {
      const job = await admitted();
      await admitted({ createdAt: NOW + 1000 });
      const takeParked = () => jobs.takeUnanswered(key, bodyHash, NOW, 'parked');
      expect(await takeParked()).toBeUndefined();
      for (let round = 0; round < 2; round++) {
        await jobs.park(job.id);
        await jobs.markAnswered(job.id);
        expect((await takeParked())?.id).toBe(job.id);
        expect(await takeParked()).toBeUndefined();
      }
    });

    test('leaves out what was answered or is older', async ({ jobs, admitted }) => {
      const answered = await admitted();
      await jobs.markAnswered(answered.id);
      await admitted({ createdAt: NOW - 1 });
      expect(await jobs.takeUnanswered(key, bodyHash, NOW)).toBeUndefined();
    });
  });
}
