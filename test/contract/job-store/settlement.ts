import { describe, expect } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';
import { allEntries } from '#test/helpers/invariant.ts';
import {
  ACCOUNT,
  HOUR,
  MINUTE,
  NOW,
  OTHER_ACCOUNT,
  PRICE,
  sampleImage,
  sampleSettlement,
} from '#test/helpers/samples.ts';

import { type JobStoreTest, outboxEntry } from './fixtures.ts';

/** How jobs end, are listed and are erased. */
export function describeSettlement(test: JobStoreTest): void {
  describe('settlement', () => {
    test('captures a part, releases the rest and stores the result with its outbox', async ({
      ledger,
      outbox,
      jobs,
      admitted,
      money,
    }) => {
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
      expect(await outbox.listByJob(job.id)).toHaveLength(1);
    });

    test('releases the whole hold and keeps the error', async ({
      ledger,
      jobs,
      admitted,
      money,
    }) => {
      const job = await admitted();
      const error = { code: 'model-error', message: 'no image' } as const;
      const result = await jobs.settle(sampleSettlement(job, { error }));
      expect(result.job).toMatchObject({ status: 'failed', cost: 0, error });
      expect(await money()).toEqual({ balance: 10 * PRICE, held: 0 });
      const [entry] = await allEntries(ledger, ACCOUNT);
      expect(entry).toMatchObject({ kind: 'release', amount: PRICE, job: job.id });
    });

    test('happens once, however many try at the same time', async ({ ledger, jobs, admitted }) => {
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

    test('never captures above the hold', async ({ jobs, admitted, money }) => {
      const job = await admitted();
      const above = sampleSettlement(job, { captured: microUsd(PRICE + 1) });
      await expect(jobs.settle(above)).rejects.toThrow();
      expect(await money()).toEqual({ balance: 9 * PRICE, held: PRICE });
      expect((await jobs.get(job.id))?.status).toBe('starting');
    });

    test('from `queued` ends only what nobody holds', async ({ jobs, admitted, claimed }) => {
      const job = await admitted();
      const { token } = await claimed();
      const queued = sampleSettlement(job, { from: { state: 'queued' }, status: 'canceled' });
      expect((await jobs.settle(queued)).changed).toBe(false);
      await jobs.giveBack(job.id, token);
      expect((await jobs.settle(queued)).changed).toBe(true);
    });

    test('from `claimed` ends under the latest token, started or not', async ({
      jobs,
      admitted,
      claimed,
    }) => {
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

    test('an unknown job changes nothing', async ({ jobs }) => {
      const result = await jobs.settle(sampleSettlement({ id: 'none' as JobId }));
      expect(result).toEqual({ changed: false, job: undefined });
    });
  });

  describe('lists', () => {
    test('pages are newest first, with no gap while others are created', async ({
      jobs,
      admitted,
    }) => {
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

    test('filters by time of creation and by tag', async ({ jobs, admitted }) => {
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

    test('previews are in no list, and are removable by themselves', async ({ jobs, admitted }) => {
      const tags = { team: 'blue' };
      const preview = await admitted({ preview: true, tags });
      expect(preview.preview).toBe(true);
      const kept = await admitted({ createdAt: NOW + 1, tags });
      for (const tag of [undefined, { name: 'team', value: 'blue' }]) {
        const listed = await jobs.list({ account: ACCOUNT, limit: 9, ...(tag && { tag }) });
        expect(listed.map(({ id }) => id)).toEqual([kept.id]);
      }
      for (const job of [preview, kept]) await jobs.settle(sampleSettlement(job));
      expect(await jobs.get(preview.id)).toMatchObject({ preview: true, status: 'failed' });
      const idsOf = async (which?: 'previews') =>
        (await jobs.listRemovable(NOW + HOUR, 9, which)).map(({ id }) => id);
      expect(await idsOf()).toEqual([kept.id]);
      expect(await idsOf('previews')).toEqual([preview.id]);
      expect((await jobs.removeData(preview.id, NOW + HOUR)).changed).toBe(true);
      expect(await idsOf('previews')).toEqual([]);
      expect(await jobs.list({ account: ACCOUNT, limit: 9 })).toHaveLength(1);
    });

    test('overdue are open jobs past deadline or attachBy, the most overdue first', async ({
      jobs,
      admitted,
    }) => {
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
      expect((await jobs.listOverdue(NOW + 3 * MINUTE, 10)).map(({ id }) => id)).toEqual([late.id]);
    });
  });

  describe('removal', () => {
    test('erases input and output of an ended job and keeps what was charged', async ({
      ledger,
      jobs,
      admitted,
    }) => {
      const job = await admitted({
        webhook: { url: 'https://example.com/?secret=1', events: ['completed'] },
        tags: { customer: 'Jane' },
      });
      expect((await jobs.removeData(job.id, NOW)).changed).toBe(false);
      await jobs.settle({ ...sampleSettlement(job, { captured: PRICE }), warnings: ['a prompt'] });
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
          warnings: [],
          tags: {},
          cost: PRICE,
          dataRemovedAt: end + 5,
        },
      });
      expect(removed.job?.receipt).toBeUndefined();
      expect(removed.job?.webhook).toBeUndefined();
      expect(await jobs.get(job.id)).toEqual(removed.job);
      expect(
        await jobs.list({ account: ACCOUNT, limit: 9, tag: { name: 'customer', value: 'Jane' } }),
      ).toEqual([]);
      expect((await jobs.removeData(job.id, end + 9)).changed).toBe(false);
      expect(await jobs.listRemovable(end + 1, 10)).toEqual([]);
      expect((await ledger.totals()).captured).toBe(PRICE);
    });

    test('erases where webhooks went; one that is still to be sent goes there first', async ({
      outbox,
      jobs,
      admitted,
    }) => {
      const url = 'https://example.com/?secret=1';
      const webhook = { url, events: ['start', 'completed'] } as const;
      const job = await admitted({ webhook });
      const other = await admitted({ webhook });
      const of = (event: 'start' | 'completed', id = job.id) => ({
        ...outboxEntry(id, event),
        url,
      });
      const [told, pending] = [of('start'), of('completed')];
      const kept = of('completed', other.id);
      await jobs.settle({ ...sampleSettlement(job, { captured: PRICE }), outbox: [told, pending] });
      await jobs.settle({ ...sampleSettlement(other, { captured: PRICE }), outbox: [kept] });
      const attempt = (entry: string, number: number) => ({
        ...{ entry, number, at: NOW, durationMs: 1, status: 200 },
      });
      for (const { id } of [told, kept]) {
        await outbox.recordAttempt(attempt(id, 1), { next: 'delivered' });
      }
      await jobs.removeData(job.id, NOW + HOUR);
      expect(await outbox.get(told.id)).toMatchObject({ url: '', deliveredAt: NOW });
      expect(await outbox.get(pending.id)).toMatchObject({ url });
      expect(await outbox.requeue(told.id, NOW)).toBeUndefined();

      const later = { next: 'retry', nextAttemptAt: NOW + MINUTE } as const;
      await outbox.recordAttempt(attempt(pending.id, 1), later);
      expect(await outbox.get(pending.id)).toMatchObject({ url, nextAttemptAt: NOW + MINUTE });
      const due = await outbox.claimDue(NOW + MINUTE, NOW + HOUR, 10);
      expect(due.map(({ id }) => id)).toEqual([pending.id]);
      await outbox.recordAttempt(attempt(pending.id, 2), { next: 'delivered' });
      expect(await outbox.get(pending.id)).toMatchObject({ url: '', attempts: 2 });
      const log = [await outbox.listByJob(job.id), await outbox.attempts(pending.id)];
      expect(JSON.stringify(log)).not.toContain('secret');
      expect(await outbox.get(kept.id)).toMatchObject({ url });
      expect(await outbox.requeue(kept.id, NOW)).toMatchObject({ url });
    });
  });
}
