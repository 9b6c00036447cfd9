import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AccountId, JobId, KeyId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { microUsd } from '#shared/core/money.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import type { Admission, JobStore } from '#shared/service/ports/job-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { allEntries, expectInvariant } from '#test/helpers/invariant.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
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
  sampleImage,
  sampleSettlement,
} from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

const LEASE_MS = 30_000;

/** What every job store must do; `makeStores` gives stores over an empty database. */
export function describeJobStore(name: string, makeStores: MakeStores): void {
  describe(`job store: ${name}`, () => {
    let clock: ManualClock;
    let stores: StoreSet;
    let jobs: JobStore;
    let ledger: Ledger;

    beforeEach(async () => {
      clock = createManualClock(NOW);
      stores = await makeStores({ clock, randomBytes: createCountedBytes() });
      ({ jobs, ledger } = stores);
      await fund(ledger, 10 * PRICE);
    });
    afterEach(async () => {
      await expectInvariant(ledger);
      await stores.close();
    });

    const admitted = async (
      job: Partial<Admission['job']> = {},
      change: Partial<Omit<Admission, 'job'>> = {},
    ): Promise<Job> => {
      const result = await jobs.admit(sampleAdmission(job, change));
      if (result.outcome !== 'admitted') throw new Error(`not admitted: ${result.outcome}`);
      return result.job;
    };
    const claimed = async (now = NOW): Promise<Job & { readonly token: number }> => {
      const job = await jobs.claimNext(MODEL.name, now, LEASE_MS);
      if (job?.lease === undefined) throw new Error('nothing to claim');
      return { ...job, token: job.lease.token };
    };
    const money = async (id: AccountId = ACCOUNT) => {
      const account = await ledger.getAccount(id);
      return { balance: account?.balance, held: account?.held };
    };

    describe('admission', () => {
      test('moves the hold from balance to held and stores the job as given', async () => {
        const admission = sampleAdmission({
          attachBy: NOW + MINUTE,
          cancelAtDeadline: true,
          webhook: { url: 'https://example.com/hook', events: ['completed'] },
          tags: { team: 'blue' },
        });
        const result = await jobs.admit(admission);
        expect(result).toEqual({
          outcome: 'admitted',
          job: { ...admission.job, rank: expect.any(Number) },
        });
        expect(await jobs.get(admission.job.id)).toEqual(
          result.outcome === 'admitted' && result.job,
        );
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

      test('repeated with the same job id holds once', async () => {
        const admission = sampleAdmission();
        const first = await jobs.admit(admission);
        expect(await jobs.admit(admission)).toEqual(first);
        expect(await money()).toEqual({ balance: 9 * PRICE, held: PRICE });
      });

      test('50 in parallel on a balance for 10 admit exactly 10 and leave no other row', async () => {
        const admissions = Array.from({ length: 50 }, () => sampleAdmission());
        const results = await Promise.all(admissions.map((admission) => jobs.admit(admission)));
        const outcomes = results.map(({ outcome }) => outcome);
        expect(outcomes.filter((outcome) => outcome === 'admitted')).toHaveLength(10);
        expect(outcomes.filter((outcome) => outcome === 'insufficient-funds')).toHaveLength(40);
        expect(await jobs.list({ account: ACCOUNT, limit: 100 })).toHaveLength(10);
        expect(await money()).toEqual({ balance: 0, held: 10 * PRICE });
      });

      test('refuses more than the balance and says what it is', async () => {
        const result = await jobs.admit(sampleAdmission({ hold: microUsd(10 * PRICE + 1) }));
        expect(result).toEqual({ outcome: 'insufficient-funds', balance: 10 * PRICE });
      });

      test('refuses an account that does not exist as one without funds', async () => {
        const result = await jobs.admit(sampleAdmission({ account: 'acc_none' as AccountId }));
        expect(result).toEqual({ outcome: 'insufficient-funds', balance: 0 });
      });

      test.each([
        ['day', { dayCap: microUsd(2 * PRICE) }],
        ['month', { monthCap: microUsd(2 * PRICE) }],
      ] as const)(
        'refuses what passes the key cap of the %s, in parallel too',
        async (window, cap) => {
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

      test('gives a released or partly captured hold back to the key cap', async () => {
        const cap = { dayCap: microUsd(2 * PRICE) };
        const whole = await admitted({ hold: microUsd(2 * PRICE) }, cap);
        await jobs.settle(sampleSettlement(whole, { captured: PRICE }));
        const other = await admitted({}, cap);
        expect((await jobs.admit(sampleAdmission({}, cap))).outcome).toBe('key-budget-exceeded');
        await jobs.settle(sampleSettlement(other));
        await admitted({}, cap);
      });

      test('refuses beyond the queue limit of open jobs', async () => {
        const limit = { queueLimit: 2 };
        const first = await admitted({}, limit);
        await admitted({}, limit);
        expect(await jobs.admit(sampleAdmission({}, limit))).toEqual({
          outcome: 'queue-full',
          depth: 2,
        });
        await jobs.settle(sampleSettlement(first));
        await admitted({}, limit);
      });
    });

    describe('a key that took the place of another', () => {
      const cap = { dayCap: microUsd(2 * PRICE) };
      const next = { key: 'key0000000000002' as KeyId, budgetKey: KEY };

      test('has what that one left of its caps, and gives back to them', async () => {
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

      test('one scope in 20 parallel admissions makes one job and one hold', async () => {
        const results = await Promise.all(
          Array.from({ length: 20 }, () => jobs.admit(sampleAdmission({}, scope()))),
        );
        expect(results.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(1);
        expect(results.filter(({ outcome }) => outcome === 'replayed')).toHaveLength(19);
        const ids = new Set(results.map((result) => 'job' in result && (result.job as Job).id));
        expect(ids.size).toBe(1);
        expect(await money()).toEqual({ balance: 9 * PRICE, held: PRICE });
      });

      test('another body under the scope is a mismatch', async () => {
        const job = await admitted({}, scope());
        const result = await jobs.admit(sampleAdmission({ bodyHash: 'f'.repeat(64) }, scope()));
        expect(result).toEqual({ outcome: 'idempotency-mismatch', job: job.id });
      });

      test('replays the current state, with no balance left and a full queue', async () => {
        const job = await admitted({ hold: microUsd(10 * PRICE) }, scope());
        await jobs.settle(sampleSettlement(job, { captured: microUsd(10 * PRICE) }));
        const result = await jobs.admit(sampleAdmission({}, { ...scope(), queueLimit: 0 }));
        expect(result).toMatchObject({
          outcome: 'replayed',
          job: { id: job.id, status: 'succeeded' },
        });
      });

      test('finds the job of a scope until it expires; then the scope is free', async () => {
        const job = await admitted({}, scope(NOW + HOUR));
        const name = scope().idempotency.scope;
        expect((await jobs.findByIdempotency(name, NOW + HOUR - 1))?.id).toBe(job.id);
        expect(await jobs.findByIdempotency(name, NOW + HOUR)).toBeUndefined();
        expect(await jobs.findByIdempotency('other', NOW)).toBeUndefined();
        const later = NOW + HOUR;
        const next = await admitted({ createdAt: later }, scope(later + HOUR));
        expect(next.id).not.toBe(job.id);
      });

      test('a refused admission leaves the scope free', async () => {
        await jobs.admit(sampleAdmission({ hold: microUsd(11 * PRICE) }, scope()));
        await admitted({}, scope());
      });
    });

    describe('unanswered creates', () => {
      const key = sampleAdmission().job.key;
      const { bodyHash } = sampleAdmission().job;

      test('gives out the youngest of equal body, each once', async () => {
        const old = await admitted();
        const young = await admitted({ createdAt: NOW + 1000 });
        await admitted({ createdAt: NOW + 2000, bodyHash: 'f'.repeat(64) });
        await admitted({ createdAt: NOW + 2000, key: 'key0000000000002' as KeyId });
        expect((await jobs.takeUnanswered(key, bodyHash, NOW))?.id).toBe(young.id);
        expect((await jobs.takeUnanswered(key, bodyHash, NOW))?.id).toBe(old.id);
        expect(await jobs.takeUnanswered(key, bodyHash, NOW)).toBeUndefined();
      });

      test('is given out once in parallel', async () => {
        const job = await admitted();
        const taken = await Promise.all(
          Array.from({ length: 8 }, () => jobs.takeUnanswered(key, bodyHash, NOW)),
        );
        expect(taken.filter((one) => one?.id === job.id)).toHaveLength(1);
      });

      test('gives out a parked one, though its answer was written, each time that it is parked', async () => {
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

      test('leaves out what was answered or is older', async () => {
        const answered = await admitted();
        await jobs.markAnswered(answered.id);
        await admitted({ createdAt: NOW - 1 });
        expect(await jobs.takeUnanswered(key, bodyHash, NOW)).toBeUndefined();
      });
    });

    describe('queue', () => {
      test('claims in order of rank, one holder per job', async () => {
        const admittedJobs = [];
        for (let i = 0; i < 5; i++) admittedJobs.push(await admitted({ createdAt: NOW + i }));
        const claims = await Promise.all(
          Array.from({ length: 8 }, () => jobs.claimNext(MODEL.name, NOW, LEASE_MS)),
        );
        const ids = claims.flatMap((job) => job?.id ?? []);
        expect(new Set(ids)).toEqual(new Set(admittedJobs.map(({ id }) => id)));
        expect(ids).toHaveLength(5);
      });

      test('a claim bears a lease and counts as an attempt', async () => {
        const { id } = await admitted();
        const job = await claimed();
        expect(job).toMatchObject({
          id,
          attempts: 1,
          status: 'starting',
          lease: { token: 1, expiresAt: NOW + LEASE_MS },
        });
        expect(await jobs.get(id)).toMatchObject({ attempts: 1, lease: job.lease });
      });

      test('claims only jobs of the model', async () => {
        await admitted({ model: { name: 'onestep/other', digest: 'x' } });
        expect(await jobs.claimNext(MODEL.name, NOW, LEASE_MS)).toBeUndefined();
        expect(await jobs.claimNext('onestep/other', NOW, LEASE_MS)).toBeDefined();
      });

      test('takes turns between accounts, whatever one of them queued before', async () => {
        await fund(ledger, 10 * PRICE, OTHER_ACCOUNT);
        for (let i = 0; i < 6; i++) await admitted();
        await claimed();
        await claimed();
        for (let i = 0; i < 2; i++) await admitted({ account: OTHER_ACCOUNT });
        const order = [];
        for (let i = 0; i < 4; i++) order.push((await claimed()).account);
        expect(order.filter((account) => account === OTHER_ACCOUNT)).toHaveLength(2);
      });

      test('an account that was idle gets no credit for it', async () => {
        await fund(ledger, 10 * PRICE, OTHER_ACCOUNT);
        for (let i = 0; i < 5; i++) {
          const job = await admitted();
          await claimed();
          await jobs.settle(sampleSettlement(job));
        }
        for (let i = 0; i < 3; i++) await admitted({ account: OTHER_ACCOUNT });
        await admitted();
        const order = [];
        for (let i = 0; i < 2; i++) order.push((await claimed()).account);
        expect(order).toContain(ACCOUNT);
      });

      test('a lease that ran out can be claimed again, under a new token', async () => {
        const { id } = await admitted();
        const first = await claimed();
        expect(await jobs.claimNext(MODEL.name, NOW + LEASE_MS - 1, LEASE_MS)).toBeUndefined();
        const second = await claimed(NOW + LEASE_MS);
        expect(second).toMatchObject({ id, token: first.token + 1 });
        expect((await jobs.renewLease(id, first.token, NOW + HOUR)).changed).toBe(false);
        expect((await jobs.giveBack(id, first.token)).changed).toBe(false);
        expect((await jobs.markStarted(id, first.token, { startedAt: NOW }, [])).changed).toBe(
          false,
        );
        const settled = await jobs.settle(
          sampleSettlement(second, { from: { state: 'claimed', token: first.token } }),
        );
        expect(settled).toMatchObject({ changed: false, job: { status: 'starting' } });
      });

      test('a renewed lease lasts', async () => {
        const { id } = await admitted();
        const { token } = await claimed();
        const renewed = await jobs.renewLease(id, token, NOW + HOUR);
        expect(renewed).toMatchObject({ changed: true, job: { lease: { expiresAt: NOW + HOUR } } });
        expect(await jobs.claimNext(MODEL.name, NOW + HOUR - 1, LEASE_MS)).toBeUndefined();
      });

      test('a job given back waits again, at its old place', async () => {
        const first = await admitted();
        await admitted({ createdAt: NOW + 1 });
        const { token } = await claimed();
        await jobs.markStarted(first.id, token, { startedAt: NOW + 5 }, []);
        const back = await jobs.giveBack(first.id, token);
        expect(back).toMatchObject({ changed: true, job: { status: 'starting' } });
        expect(back.job?.lease).toBeUndefined();
        expect(back.job?.startedAt).toBeUndefined();
        expect((await claimed()).id).toBe(first.id);
      });

      test('gives back every claim at once', async () => {
        for (let i = 0; i < 3; i++) await admitted();
        await claimed();
        await claimed();
        expect(await jobs.queueDepth()).toBe(1);
        expect(await jobs.giveBackAll()).toBe(2);
        expect(await jobs.queueDepth()).toBe(3);
      });

      test('a claimed job starts once', async () => {
        const { id } = await admitted();
        expect((await jobs.markStarted(id, 0, { startedAt: NOW }, [])).changed).toBe(false);
        const { token } = await claimed();
        const started = await jobs.markStarted(id, token, { startedAt: NOW + 5 }, [
          outboxEntry(id, 'start'),
        ]);
        expect(started).toMatchObject({
          changed: true,
          job: { status: 'processing', startedAt: NOW + 5 },
        });
        expect((await jobs.markStarted(id, token, { startedAt: NOW + 9 }, [])).changed).toBe(false);
        expect(await stores.outbox.listByJob(id)).toHaveLength(1);
      });

      test('progress is noted with its webhooks, forward only, while the job runs', async () => {
        const { id } = await admitted();
        const { token } = await claimed();
        const note = (imagesDone: number, by = token) =>
          jobs.noteProgress(id, by, { imagesDone, toldAt: NOW + imagesDone }, [
            { ...outboxEntry(id, 'logs'), id: `msg_${id}_logs_${imagesDone}` },
          ]);
        expect((await note(1)).changed).toBe(false);
        const progress = { imagesDone: 0, toldAt: NOW };
        const started = await jobs.markStarted(id, token, { startedAt: NOW, progress }, []);
        expect(started.job).toMatchObject({ progress });
        expect((await note(2)).job).toMatchObject({ progress: { imagesDone: 2, toldAt: NOW + 2 } });
        expect((await note(2)).changed).toBe(false);
        expect((await note(1)).changed).toBe(false);
        expect((await note(3, token + 1)).changed).toBe(false);
        const told = (await stores.outbox.listByJob(id)).map((entry) => entry.id);
        expect(told).toEqual([`msg_${id}_logs_2`]);
        expect((await jobs.giveBack(id, token)).job?.progress).toBeUndefined();
        expect((await note(3)).changed).toBe(false);
      });

      test('progress is forgotten at the end', async () => {
        const { id } = await admitted();
        const running = await claimed();
        const { token } = running;
        await jobs.markStarted(id, token, { startedAt: NOW }, []);
        await jobs.noteProgress(id, token, { imagesDone: 1, toldAt: NOW }, []);
        const { job } = await jobs.settle(sampleSettlement(running));
        expect(job?.progress).toBeUndefined();
        const late = await jobs.noteProgress(id, token, { imagesDone: 2, toldAt: NOW }, []);
        expect(late).toMatchObject({ changed: false, job: { status: job?.status } });
      });

      test('positions count the jobs before one', async () => {
        const line: JobId[] = [];
        for (let i = 0; i < 4; i++) line.push((await admitted({ createdAt: NOW + i })).id);
        const position = async (id: JobId) => jobs.queuePosition((await jobs.get(id)) as Job);
        const positions = () => Promise.all(line.map(position));
        expect(await positions()).toEqual([0, 1, 2, 3]);
        await claimed();
        clock.advance(1500);
        expect(await positions()).toEqual([undefined, 0, 1, 2]);
        expect(await jobs.queueDepth()).toBe(3);
      });
    });

    describe('cancellation', () => {
      test('a job that is to be cancelled is not claimed, and the first wish stays', async () => {
        const { id } = await admitted();
        const asked = await jobs.requestCancel(id, NOW + 1);
        expect(asked).toMatchObject({ changed: true, job: { cancelRequestedAt: NOW + 1 } });
        expect((await jobs.requestCancel(id, NOW + 2)).changed).toBe(false);
        expect((await jobs.get(id))?.cancelRequestedAt).toBe(NOW + 1);
        expect(await jobs.claimNext(MODEL.name, NOW, LEASE_MS)).toBeUndefined();
        expect((await jobs.listOverdue(NOW + 1, 10)).map((job) => job.id)).toEqual([id]);
      });

      test('stays out of the queue when given back', async () => {
        const { id } = await admitted();
        const { token } = await claimed();
        await jobs.requestCancel(id, NOW);
        await jobs.giveBack(id, token);
        expect(await jobs.claimNext(MODEL.name, NOW + HOUR, LEASE_MS)).toBeUndefined();
      });

      test('an ended or unknown job takes no wish', async () => {
        const job = await admitted();
        await jobs.settle(sampleSettlement(job));
        expect(await jobs.requestCancel(job.id, NOW)).toMatchObject({
          changed: false,
          job: { status: 'failed' },
        });
        expect(await jobs.requestCancel('none' as JobId, NOW)).toEqual({
          changed: false,
          job: undefined,
        });
      });
    });

    describe('settlement', () => {
      test('captures a part, releases the rest and stores the result with its outbox', async () => {
        const job = await admitted({ hold: microUsd(3 * PRICE), tags: { team: 'blue' } });
        const settlement = sampleSettlement(job, {
          captured: microUsd(2 * PRICE),
          images: [sampleImage(job.id, 0), sampleImage(job.id, 1)],
          warnings: ['one is missing'],
          outbox: [outboxEntry(job.id, 'completed')],
        });
        const result = await jobs.settle(settlement);
        expect(result).toMatchObject({
          changed: true,
          job: {
            status: 'succeeded',
            cost: 2 * PRICE,
            completedAt: settlement.completedAt,
            images: settlement.images,
            receipt: settlement.receipt,
            warnings: ['one is missing'],
          },
        });
        expect(await jobs.get(job.id)).toEqual(result.job);
        expect(await money()).toEqual({ balance: 8 * PRICE, held: 0 });
        const [entry] = await allEntries(ledger, ACCOUNT);
        expect(entry).toMatchObject({
          id: settlement.ledgerEntryId,
          kind: 'capture',
          amount: 2 * PRICE,
          images: 2,
          job: job.id,
          tags: { team: 'blue' },
        });
        expect(await stores.outbox.listByJob(job.id)).toHaveLength(1);
      });

      test('releases the whole hold and keeps the error', async () => {
        const job = await admitted();
        const error = { code: 'model-error', message: 'no image' } as const;
        const result = await jobs.settle(sampleSettlement(job, { error }));
        expect(result.job).toMatchObject({ status: 'failed', cost: 0, error });
        expect(await money()).toEqual({ balance: 10 * PRICE, held: 0 });
        const [entry] = await allEntries(ledger, ACCOUNT);
        expect(entry).toMatchObject({ kind: 'release', amount: PRICE, job: job.id });
      });

      test('happens once, however many try at the same time', async () => {
        const job = await admitted();
        const results = await Promise.all(
          Array.from({ length: 8 }, (_, i) =>
            jobs.settle(sampleSettlement(job, i % 2 === 0 ? { captured: PRICE } : {})),
          ),
        );
        expect(results.filter(({ changed }) => changed)).toHaveLength(1);
        const ends = (await allEntries(ledger, ACCOUNT)).filter(
          ({ kind }) => kind === 'capture' || kind === 'release',
        );
        expect(ends).toHaveLength(1);
      });

      test('never captures above the hold', async () => {
        const job = await admitted();
        const above = sampleSettlement(job, { captured: microUsd(PRICE + 1) });
        await expect(jobs.settle(above)).rejects.toThrow();
        expect(await money()).toEqual({ balance: 9 * PRICE, held: PRICE });
        expect((await jobs.get(job.id))?.status).toBe('starting');
      });

      test('from `queued` ends only what nobody holds', async () => {
        const job = await admitted();
        const { token } = await claimed();
        const queued = sampleSettlement(job, { from: { state: 'queued' }, status: 'canceled' });
        expect((await jobs.settle(queued)).changed).toBe(false);
        await jobs.giveBack(job.id, token);
        expect((await jobs.settle(queued)).changed).toBe(true);
      });

      test('from `claimed` ends under the latest token, started or not', async () => {
        const job = await admitted();
        const { token } = await claimed();
        const from = { state: 'claimed', token } as const;
        expect(
          (await jobs.settle(sampleSettlement(job, { from: { state: 'claimed', token: 9 } })))
            .changed,
        ).toBe(false);
        await jobs.markStarted(job.id, token, { startedAt: NOW }, []);
        const ended = await jobs.settle(sampleSettlement(job, { from, captured: PRICE }));
        expect(ended.changed).toBe(true);
        expect(ended.job?.lease).toBeUndefined();
        expect((await jobs.renewLease(job.id, token, NOW + HOUR)).changed).toBe(false);
        expect((await jobs.giveBack(job.id, token)).changed).toBe(false);
      });

      test('an unknown job changes nothing', async () => {
        const result = await jobs.settle(sampleSettlement({ id: 'none' as JobId }));
        expect(result).toEqual({ changed: false, job: undefined });
      });
    });

    describe('lists', () => {
      test('pages are newest first, with no gap while others are created', async () => {
        const ids = [];
        for (let i = 0; i < 7; i++) ids.push((await admitted({ createdAt: NOW + i })).id);
        const first = await jobs.list({ account: ACCOUNT, limit: 3 });
        await admitted({ createdAt: NOW + 100 });
        const cursor = first.at(-1)?.id as JobId;
        const second = await jobs.list({ account: ACCOUNT, limit: 10, before: cursor });
        expect([...first, ...second].map(({ id }) => id)).toEqual([...ids].reverse());
        const back = await jobs.list({ account: ACCOUNT, limit: 2, after: ids[1] as JobId });
        expect(back.map(({ id }) => id)).toEqual([ids[2], ids[3]]);
        expect(await jobs.list({ account: OTHER_ACCOUNT, limit: 3 })).toEqual([]);
      });

      test('filters by time of creation and by tag', async () => {
        const ids = [];
        for (let i = 0; i < 4; i++) {
          const tags = { team: i % 2 === 0 ? 'blue' : 'red' };
          ids.push((await admitted({ createdAt: NOW + i * MINUTE, tags })).id);
        }
        const within = await jobs.list({
          account: ACCOUNT,
          createdAfter: NOW + MINUTE,
          createdBefore: NOW + 3 * MINUTE,
          limit: 10,
        });
        expect(within.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
        const tag = { name: 'team', value: 'blue' };
        const blue = await jobs.list({ account: ACCOUNT, tag, limit: 10 });
        expect(blue.map(({ id }) => id)).toEqual([ids[2], ids[0]]);
        expect(await jobs.list({ account: ACCOUNT, tag, limit: 1 })).toHaveLength(1);
      });

      test('overdue are open jobs past deadline or attachBy, the most overdue first', async () => {
        const late = await admitted({ deadline: NOW + 3 * MINUTE });
        const alone = await admitted({ attachBy: NOW + MINUTE });
        const ended = await admitted({ deadline: NOW + MINUTE });
        await jobs.settle(sampleSettlement(ended));
        await admitted({ deadline: NOW + HOUR });
        const overdue = await jobs.listOverdue(NOW + 3 * MINUTE, 10);
        expect(overdue.map(({ id }) => id)).toEqual([alone.id, late.id]);
        expect(await jobs.listOverdue(NOW + 3 * MINUTE, 1)).toHaveLength(1);
        await jobs.extendAttach(alone.id, NOW + 2 * HOUR);
        await jobs.extendAttach(alone.id, NOW + HOUR);
        expect((await jobs.get(alone.id))?.attachBy).toBe(NOW + 2 * HOUR);
        expect((await jobs.listOverdue(NOW + 3 * MINUTE, 10)).map(({ id }) => id)).toEqual([
          late.id,
        ]);
      });
    });

    describe('removal', () => {
      test('erases input and output of an ended job and keeps what was charged', async () => {
        const job = await admitted();
        expect((await jobs.removeData(job.id, NOW)).changed).toBe(false);
        await jobs.settle(sampleSettlement(job, { captured: PRICE }));
        const end = NOW + MINUTE;
        expect(await jobs.listRemovable(end, 10)).toEqual([]);
        expect((await jobs.listRemovable(end + 1, 10)).map(({ id }) => id)).toEqual([job.id]);
        const removed = await jobs.removeData(job.id, end + 5);
        expect(removed).toMatchObject({
          changed: true,
          job: {
            status: 'succeeded',
            input: null,
            requestInput: null,
            images: [],
            cost: PRICE,
            dataRemovedAt: end + 5,
          },
        });
        expect(removed.job?.receipt).toBeUndefined();
        expect((await jobs.removeData(job.id, end + 9)).changed).toBe(false);
        expect(await jobs.listRemovable(end + 1, 10)).toEqual([]);
        expect((await ledger.totals()).captured).toBe(PRICE);
      });
    });
  });
}

function outboxEntry(job: JobId, event: OutboxEntry['event']): OutboxEntry {
  return {
    id: `msg_${job}_${event}`,
    account: ACCOUNT,
    job,
    event,
    url: 'https://example.com/hook',
    createdAt: NOW,
    nextAttemptAt: NOW,
    attempts: 0,
  };
}
