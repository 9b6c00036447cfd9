import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import {
  ACCOUNT,
  DAY,
  fund,
  KEY,
  MINUTE,
  NOW,
  PRICE,
  sampleAdmission,
  sampleSettlement,
} from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

const RECORD_DAYS = 90;
const URL = 'https://example.com/hook';

/** Stores that forget, as their sweep or by themselves, what is older than ninety days. */
export type MakeForgetfulStores = (deps: Parameters<MakeStores>[0]) => Promise<{
  readonly stores: StoreSet;
  readonly forget: () => Promise<unknown>;
}>;

/** What is kept of ended jobs and their webhooks, and for how long. */
export function describeRecords(name: string, make: MakeForgetfulStores): void {
  describe(`records: ${name}`, () => {
    let clock: ManualClock;
    let stores: StoreSet;
    let forget: () => Promise<unknown>;

    beforeEach(async () => {
      clock = createManualClock(NOW);
      ({ stores, forget } = await make({ clock, randomBytes: createCountedBytes() }));
      await fund(stores.ledger, 1000 * PRICE);
    });
    afterEach(() => stores.close());

    const entryOf = (id: string): OutboxEntry => ({
      id,
      account: ACCOUNT,
      job: '01kb0000000000000000000001' as JobId,
      event: 'completed',
      url: URL,
      createdAt: NOW,
      nextAttemptAt: NOW,
      attempts: 0,
    });
    const admit = async (outbox: readonly OutboxEntry[] = []): Promise<JobId> => {
      const result = await stores.jobs.admit(sampleAdmission({ tags: { a: 'b' } }, { outbox }));
      if (result.outcome !== 'admitted') throw new Error(result.outcome);
      return result.job.id;
    };
    const end = async (id: JobId): Promise<void> => {
      await stores.jobs.settle(sampleSettlement({ id }, { captured: PRICE }));
    };
    const at = (days: number) => {
      clock.advance(NOW + days * DAY - clock.now());
      return clock.now();
    };

    test('an erased job goes with its time; an open one, one with data and the ledger stay', async () => {
      const [gone, withData, open] = [await admit(), await admit(), await admit()];
      for (const id of [gone, withData]) await end(id);
      await stores.jobs.removeData(gone, at(7));
      const before = await stores.ledger.totals(ACCOUNT);
      const entries = await stores.ledger.entries({ account: ACCOUNT, limit: 100 });

      at(RECORD_DAYS - 1);
      await forget();
      expect(await stores.jobs.get(gone)).toMatchObject({ status: 'succeeded', input: null });
      at(RECORD_DAYS + 8);
      await forget();
      expect(await stores.jobs.get(gone)).toBeUndefined();
      expect((await stores.jobs.get(withData))?.input).not.toBeNull();
      expect((await stores.jobs.get(open))?.status).toBe('starting');
      const listed = await stores.jobs.list({ account: ACCOUNT, limit: 10 });
      expect(listed.map(({ id }) => id).sort()).toEqual([withData, open].sort());
      expect(await stores.ledger.totals(ACCOUNT)).toEqual(before);
      expect(await stores.ledger.entries({ account: ACCOUNT, limit: 100 })).toEqual(entries);
      await end(open);
      expect((await stores.jobs.get(open))?.status).toBe('succeeded');
    });

    test('webhooks that are over go with their attempts; one that waits stays', async () => {
      await admit([entryOf('msg_over'), entryOf('msg_waits')]);
      const { outbox } = stores;
      const attempt = { number: 1, at: NOW, durationMs: 1 };
      await outbox.recordAttempt({ ...attempt, entry: 'msg_over' }, { next: 'delivered' });
      await outbox.recordAttempt(
        { ...attempt, entry: 'msg_waits' },
        { next: 'retry', nextAttemptAt: NOW + MINUTE },
      );
      await outbox.putHealth(ACCOUNT, { url: URL, failingSince: NOW });

      at(RECORD_DAYS - 1);
      await forget();
      expect(await outbox.attempts('msg_over')).toHaveLength(1);
      expect(await outbox.getHealth(ACCOUNT, URL)).toBeDefined();
      at(RECORD_DAYS + 1);
      await forget();
      expect(await outbox.get('msg_over')).toBeUndefined();
      expect(await outbox.attempts('msg_over')).toEqual([]);
      expect(await outbox.getHealth(ACCOUNT, URL)).toBeUndefined();
      expect(await outbox.get('msg_waits')).toMatchObject({ attempts: 1 });
    });

    test('a webhook that is sent again is kept from then on', async () => {
      await admit([entryOf('msg_again')]);
      const { outbox } = stores;
      const attempt = { entry: 'msg_again', durationMs: 1 };
      await outbox.recordAttempt({ ...attempt, number: 1, at: NOW }, { next: 'abandoned' });
      const later = at(RECORD_DAYS - 1);
      await outbox.requeue('msg_again', later);
      at(RECORD_DAYS + 1);
      await forget();
      expect(await outbox.get('msg_again')).toMatchObject({ nextAttemptAt: later });
    });

    test('what a key spent long ago goes, what it spends now stays', async () => {
      await admit();
      at(RECORD_DAYS + 367);
      await forget();
      const day = '2028-02-20';
      const job = {
        createdAt: clock.now(),
        budgetDay: day,
        budgetMonth: day.slice(0, 7),
        key: KEY,
      };
      const capped = sampleAdmission(job, { monthCap: PRICE });
      expect((await stores.jobs.admit(capped)).outcome).toBe('admitted');
      const next = sampleAdmission(job, { monthCap: PRICE });
      expect((await stores.jobs.admit(next)).outcome).toBe('key-budget-exceeded');
      await forget();
      expect((await stores.jobs.admit(next)).outcome).toBe('key-budget-exceeded');
    });
  });
}
