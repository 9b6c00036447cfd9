import { describe, expect } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import {
  ACCOUNT,
  fund,
  HOUR,
  MINUTE,
  MODEL,
  NOW,
  OTHER_ACCOUNT,
  PRICE,
  sampleSettlement,
} from '#test/helpers/samples.ts';

import { type JobStoreTest, LEASE_MS, outboxEntry } from './fixtures.ts';

/** How jobs are claimed, run, given back and asked to stop. */
export function describeQueue(test: JobStoreTest): void {
  describe('queue', () => {
    test('claims in order of rank, one holder per job', async ({ jobs, admitted }) => {
      const admittedJobs = [];
      for (let i = 0; i < 5; i++) admittedJobs.push(await admitted({ createdAt: NOW + i }));
      const claims = await Promise.all(
        Array.from({ length: 8 }, () => jobs.claimNext(MODEL.name, NOW, LEASE_MS)),
      );
      const ids = claims.flatMap((job) => job?.id ?? []);
      expect(new Set(ids)).toEqual(new Set(admittedJobs.map(({ id }) => id)));
      expect(ids).toHaveLength(5);
    });

    test('a claim bears a lease and counts as an attempt', async ({ jobs, admitted, claimed }) => {
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

    test('claims only jobs of the model', async ({ jobs, admitted }) => {
      await admitted({ model: { name: 'onestep/other', digest: 'x' } });
      expect(await jobs.claimNext(MODEL.name, NOW, LEASE_MS)).toBeUndefined();
      expect(await jobs.claimNext('onestep/other', NOW, LEASE_MS)).toBeDefined();
    });

    test('takes turns between accounts, whatever one of them queued before', async ({
      ledger,
      admitted,
      claimed,
    }) => {
      await fund(ledger, 10 * PRICE, OTHER_ACCOUNT);
      for (let i = 0; i < 6; i++) await admitted();
      await claimed();
      await claimed();
      for (let i = 0; i < 2; i++) await admitted({ account: OTHER_ACCOUNT });
      const order = [];
      for (let i = 0; i < 4; i++) order.push((await claimed()).account);
      expect(order.filter((account) => account === OTHER_ACCOUNT)).toHaveLength(2);
    });

    test('an account that was idle gets no credit for it', async ({
      ledger,
      jobs,
      admitted,
      claimed,
    }) => {
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

    test('a lease that ran out can be claimed again, under a new token', async ({
      jobs,
      admitted,
      claimed,
    }) => {
      const { id } = await admitted();
      const first = await claimed();
      expect(await jobs.claimNext(MODEL.name, NOW + LEASE_MS - 1, LEASE_MS)).toBeUndefined();
      const second = await claimed(NOW + LEASE_MS);
      expect(second).toMatchObject({ id, token: first.token + 1 });
      expect((await jobs.renewLease(id, first.token, NOW + HOUR)).changed).toBe(false);
      expect((await jobs.giveBack(id, first.token)).changed).toBe(false);
      expect((await jobs.markStarted(id, first.token, { startedAt: NOW }, [])).changed).toBe(false);
      const settled = await jobs.settle(
        sampleSettlement(second, { from: { state: 'claimed', token: first.token } }),
      );
      expect(settled).toMatchObject({ changed: false, job: { status: 'starting' } });
    });

    test('a renewed lease lasts', async ({ jobs, admitted, claimed }) => {
      const { id } = await admitted();
      const { token } = await claimed();
      const renewed = await jobs.renewLease(id, token, NOW + HOUR);
      expect(renewed).toMatchObject({ changed: true, job: { lease: { expiresAt: NOW + HOUR } } });
      expect(await jobs.claimNext(MODEL.name, NOW + HOUR - 1, LEASE_MS)).toBeUndefined();
    });

    test('a job given back waits again, at its old place', async ({ jobs, admitted, claimed }) => {
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

    test('counts the claims that nobody took over', async ({ jobs, admitted, claimed }) => {
      const { id } = await admitted();
      const first = await claimed();
      expect(await jobs.giveBack(id, first.token, true)).toMatchObject({
        job: { attempts: 1, refusals: 1 },
      });
      const second = await claimed();
      expect((await jobs.giveBack(id, first.token, true)).changed).toBe(false);
      expect(await jobs.giveBack(id, second.token)).toMatchObject({
        job: { attempts: 2, refusals: 1 },
      });
    });

    test('gives back every claim at once', async ({ jobs, admitted, claimed }) => {
      for (let i = 0; i < 3; i++) await admitted();
      await claimed();
      await claimed();
      expect(await jobs.queueDepth()).toBe(1);
      expect(await jobs.giveBackAll()).toBe(2);
      expect(await jobs.queueDepth()).toBe(3);
    });

    test('a claimed job starts once', async ({ outbox, jobs, admitted, claimed }) => {
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
      expect(await outbox.listByJob(id)).toHaveLength(1);
    });

    test('progress is noted with its webhooks, forward only, while the job runs', async ({
      outbox,
      jobs,
      admitted,
      claimed,
    }) => {
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
      const told = (await outbox.listByJob(id)).map((entry) => entry.id);
      expect(told).toEqual([`msg_${id}_logs_2`]);
      expect((await jobs.giveBack(id, token)).job?.progress).toBeUndefined();
      expect((await note(3)).changed).toBe(false);
    });

    test('progress is forgotten at the end', async ({ jobs, admitted, claimed }) => {
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

    test('positions count the jobs before one', async ({ clock, jobs, admitted, claimed }) => {
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
    test('a job that is to be cancelled is not claimed, and the first wish stays', async ({
      jobs,
      admitted,
    }) => {
      const { id } = await admitted();
      const asked = await jobs.requestCancel(id, NOW + 1);
      expect(asked).toMatchObject({ changed: true, job: { cancelRequestedAt: NOW + 1 } });
      expect((await jobs.requestCancel(id, NOW + 2)).changed).toBe(false);
      expect((await jobs.get(id))?.cancelRequestedAt).toBe(NOW + 1);
      expect(await jobs.claimNext(MODEL.name, NOW, LEASE_MS)).toBeUndefined();
      expect((await jobs.listOverdue(NOW + 1, 10)).map((job) => job.id)).toEqual([id]);
    });

    test('stays out of the queue when given back', async ({ jobs, admitted, claimed }) => {
      const { id } = await admitted();
      const { token } = await claimed();
      await jobs.requestCancel(id, NOW);
      await jobs.giveBack(id, token);
      expect(await jobs.claimNext(MODEL.name, NOW + HOUR, LEASE_MS)).toBeUndefined();
    });

    test('an account cancels so many running jobs an hour; past that they run on and say so', async ({
      clock,
      jobs,
      admitted,
      claimed,
    }) => {
      for (let i = 0; i < 4; i++) await admitted({ createdAt: NOW + i });
      const waiting = await admitted({ createdAt: NOW + 9 });
      const first = await claimed();
      const second = await claimed();
      const third = await claimed();
      const fourth = await claimed();
      // Two at once have one to share, and a repetition is free.
      const both = await Promise.all(
        [first, second].map(({ id }) => jobs.requestCancel(id, NOW, 1)),
      );
      expect(both.map(({ changed }) => changed).sort()).toEqual([false, true]);
      const [taken] = both.filter(({ changed }) => changed);
      const again = await jobs.requestCancel(taken?.job?.id as JobId, NOW, 1);
      expect(again).toMatchObject({
        changed: false,
        job: { cancelRequestedAt: NOW, warnings: [] },
      });
      for (let i = 0; i < 2; i++) {
        const refused = await jobs.requestCancel(third.id, NOW, 1);
        expect(refused.changed).toBe(false);
        expect(refused.job?.cancelRequestedAt).toBeUndefined();
        expect(refused.job?.warnings).toEqual([expect.stringMatching(/^too-many-cancels: 1 /)]);
        expect(await jobs.get(third.id)).toEqual(refused.job);
      }
      expect((await jobs.requestCancel(waiting.id, NOW, 1)).changed).toBe(true);
      expect((await jobs.requestCancel(third.id, NOW)).changed).toBe(true);
      clock.advance(HOUR);
      expect((await jobs.requestCancel(fourth.id, NOW + HOUR, 1)).changed).toBe(true);
    });

    test('a job’s own Cancel-After counts as a wish; past the hour’s the job has its latest end', async ({
      jobs,
      admitted,
      claimed,
    }) => {
      const due = NOW + MINUTE;
      const bounded = { deadline: due, cancelAtDeadline: true, latestEnd: NOW + HOUR } as const;
      for (let i = 0; i < 3; i++) await admitted({ ...bounded, createdAt: NOW + i });
      const waiting = await admitted({ ...bounded, createdAt: NOW + 9 });
      const [first, second, third] = [await claimed(), await claimed(), await claimed()];
      const ask = (id: JobId, at = due) => jobs.requestCancel(id, at, 1, 'cancel-after');
      const unasked = { changed: false, job: { warnings: [], deadline: due } };
      expect(await ask(first.id, due - 1)).toMatchObject(unasked);
      expect(await ask(waiting.id)).toMatchObject(unasked);

      // Two sweeps at once ask for both, one of which may be stopped.
      const ids = [first.id, second.id, second.id, first.id];
      const all = await Promise.all(ids.map((id) => ask(id)));
      expect(all.filter(({ changed }) => changed)).toHaveLength(1);
      const stopped = all.find(({ changed }) => changed)?.job as Job;
      expect(stopped).toMatchObject({ cancelRequestedAt: due, warnings: [] });
      const runsOn = (await jobs.get(stopped.id === first.id ? second.id : first.id)) as Job;
      expect(runsOn).toMatchObject({
        deadline: NOW + HOUR,
        warnings: [expect.stringMatching(/^too-many-cancels: 1 /)],
      });
      for (const name of ['cancelRequestedAt', 'cancelAtDeadline', 'latestEnd']) {
        expect(runsOn).not.toHaveProperty(name);
      }
      expect((await ask(runsOn.id, NOW + 2 * HOUR)).changed).toBe(false);
      // It is looked at again when that time has come; the client's wishes have the same count.
      const overdue = async (at: number) => (await jobs.listOverdue(at, 10)).map(({ id }) => id);
      expect(await overdue(due)).not.toContain(runsOn.id);
      expect(await overdue(NOW + HOUR)).toContain(runsOn.id);
      expect((await jobs.requestCancel(third.id, due - 1, 1)).changed).toBe(false);
      expect(await jobs.get(third.id)).toMatchObject({ deadline: due, cancelAtDeadline: true });
      expect((await jobs.requestCancel(third.id, due, 1)).job).toMatchObject({
        deadline: NOW + HOUR,
        warnings: [expect.any(String)],
      });
    });

    test('whoever is asked for stays due by his time when his Cancel-After is refused', async ({
      jobs,
      admitted,
      claimed,
    }) => {
      const { id } = await admitted({
        ...{ deadline: NOW + MINUTE, cancelAtDeadline: true, latestEnd: NOW + HOUR },
        attachBy: NOW + 2 * MINUTE,
      });
      await claimed();
      await jobs.requestCancel(id, NOW + MINUTE, 0, 'cancel-after');
      const overdue = async (at: number) => (await jobs.listOverdue(at, 10)).length;
      expect(await overdue(NOW + 2 * MINUTE - 1)).toBe(0);
      expect(await overdue(NOW + 2 * MINUTE)).toBe(1);
    });

    test('an ended or unknown job takes no wish', async ({ jobs, admitted }) => {
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
}
