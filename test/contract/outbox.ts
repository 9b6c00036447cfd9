import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { MOST_RECEIVERS, type Outbox, type WebhookSettings } from '#shared/service/ports/outbox.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import {
  ACCOUNT,
  fund,
  MINUTE,
  NOW,
  OTHER_ACCOUNT,
  PRICE,
  sampleAdmission,
} from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

const URL = 'https://example.com/hook';
const JOB = '01kb0000000000000000000001' as JobId;

/** What every outbox must do; `makeStores` gives stores over an empty database. */
export function describeOutbox(name: string, makeStores: MakeStores): void {
  describe(`outbox: ${name}`, () => {
    let stores: StoreSet;
    let outbox: Outbox;

    beforeEach(async () => {
      const clock = createManualClock(NOW);
      stores = await makeStores({ clock, randomBytes: createCountedBytes() });
      ({ outbox } = stores);
      await fund(stores.ledger, 1000 * PRICE);
    });
    afterEach(() => stores.close());

    const add = async (id: string, change: Partial<OutboxEntry> = {}): Promise<OutboxEntry> => {
      const entry: OutboxEntry = {
        id,
        account: ACCOUNT,
        job: JOB,
        event: 'completed',
        url: URL,
        createdAt: NOW,
        nextAttemptAt: NOW,
        attempts: 0,
        ...change,
      };
      await stores.jobs.admit(sampleAdmission({}, { outbox: [entry] }));
      return entry;
    };
    const claim = async (now: number) =>
      (await outbox.claimDue(now, now + MINUTE, 10)).map(({ id }) => id);
    const attempt = (entry: string, number: number, at = NOW) => ({
      entry,
      number,
      at,
      durationMs: 12.5,
    });

    test('keeps an entry as it is; adding its id again changes nothing', async () => {
      const entry = await add('msg_1');
      await add('msg_1', { url: 'https://example.com/other' });
      expect(await outbox.get('msg_1')).toEqual(entry);
      expect(await outbox.get('msg_2')).toBeUndefined();
    });

    test('gives out due entries, the longest due first', async () => {
      await add('msg_late', { nextAttemptAt: NOW + 2 });
      await add('msg_early', { nextAttemptAt: NOW + 1 });
      await add('msg_future', { nextAttemptAt: NOW + MINUTE });
      expect(await claim(NOW)).toEqual([]);
      expect(await claim(NOW + 2)).toEqual(['msg_early', 'msg_late']);
    });

    // Two callers may share the entries between them: only the union is determined.
    test('gives each due entry to one of the callers that ask at once', async () => {
      await add('msg_1');
      await add('msg_2');
      const claims = await Promise.all([claim(NOW), claim(NOW), claim(NOW)]);
      expect(claims.flat().toSorted()).toEqual(['msg_1', 'msg_2']);
    });

    test('gives out an entry again when its hiding time is over', async () => {
      await add('msg_1');
      expect(await claim(NOW)).toEqual(['msg_1']);
      expect(await claim(NOW + MINUTE - 1)).toEqual([]);
      expect(await claim(NOW + MINUTE)).toEqual(['msg_1']);
    });

    test('gives out at most so many', async () => {
      for (let i = 0; i < 3; i++) await add(`msg_${i}`);
      expect(await outbox.claimDue(NOW, NOW + MINUTE, 2)).toHaveLength(2);
    });

    test('gives out what there is room for: some of each host, none of full ones', async () => {
      for (let i = 0; i < 4; i++) await add(`msg_a${i}`, { url: 'https://a.example/hook' });
      await add('msg_b', { url: 'https://b.example:8443', nextAttemptAt: NOW + 1 });
      await add('msg_c', { url: 'https://c.example/x', nextAttemptAt: NOW + 2 });
      const claimed = async (full: readonly string[]) => {
        const room = { each: 2, full };
        const due = await outbox.claimDue(NOW + 2, NOW + MINUTE, 10, room);
        return due.map(({ id }) => id.slice(0, 5)).toSorted();
      };
      expect(await claimed([ACCOUNT])).toEqual([]);
      expect(await claimed([`${ACCOUNT} c.example`])).toEqual(['msg_a', 'msg_a', 'msg_b']);
      const full = [`${ACCOUNT} a.example`];
      expect(await claimed(full)).toEqual(['msg_c']);
      expect(await claimed(full)).toEqual([]);
      expect(await claimed([])).toEqual(['msg_a', 'msg_a']);
    });

    test('a delivered entry is done', async () => {
      await add('msg_1');
      await claim(NOW);
      const first = { ...attempt('msg_1', 1, NOW + 5), status: 204 };
      await outbox.recordAttempt(first, { next: 'delivered' });
      const entry = await outbox.get('msg_1');
      expect(entry).toMatchObject({ attempts: 1, deliveredAt: NOW + 5 });
      expect(entry?.nextAttemptAt).toBeUndefined();
      expect(await claim(NOW + 10 * MINUTE)).toEqual([]);
      expect(await outbox.attempts('msg_1')).toEqual([first]);
    });

    test('a failed entry is due at its next time, hidden or not', async () => {
      await add('msg_1');
      await outbox.claimDue(NOW, NOW + 60 * MINUTE, 10);
      const first = { ...attempt('msg_1', 1), failure: 'timeout' };
      await outbox.recordAttempt(first, { next: 'retry', nextAttemptAt: NOW + MINUTE });
      expect(await outbox.get('msg_1')).toMatchObject({
        attempts: 1,
        nextAttemptAt: NOW + MINUTE,
      });
      expect(await claim(NOW + MINUTE - 1)).toEqual([]);
      expect(await claim(NOW + MINUTE)).toEqual(['msg_1']);
      await outbox.recordAttempt(attempt('msg_1', 2), { next: 'abandoned' });
      expect(await outbox.get('msg_1')).toMatchObject({ attempts: 2, abandonedAt: NOW });
      expect((await outbox.attempts('msg_1')).map(({ number }) => number)).toEqual([1, 2]);
    });

    test('an ended entry can be made due again under its own id', async () => {
      await add('msg_1');
      await outbox.recordAttempt(attempt('msg_1', 1), { next: 'abandoned' });
      expect(await outbox.requeue('msg_1', NOW + 5)).toMatchObject({
        id: 'msg_1',
        nextAttemptAt: NOW + 5,
        attempts: 1,
      });
      expect((await outbox.get('msg_1'))?.abandonedAt).toBeUndefined();
      expect(await claim(NOW + 5)).toEqual(['msg_1']);
      expect(await outbox.requeue('msg_1', NOW + 6), 'not while it is due').toBeUndefined();
      expect(await outbox.get('msg_1')).toMatchObject({ nextAttemptAt: NOW + 5 });
      expect(await outbox.requeue('none', NOW)).toBeUndefined();
    });

    test('lists by job, and by account newest first in pages', async () => {
      const other = '01kb0000000000000000000002' as JobId;
      await add('msg_1', { createdAt: NOW + 1 });
      await add('msg_2', { createdAt: NOW + 2, job: other });
      await add('msg_3', { createdAt: NOW + 3 });
      await add('msg_4', { account: OTHER_ACCOUNT, job: other });
      const ids = (entries: readonly OutboxEntry[]) => entries.map(({ id }) => id);
      expect(ids(await outbox.listByJob(JOB))).toEqual(['msg_1', 'msg_3']);
      expect(ids(await outbox.listByAccount(ACCOUNT, 2))).toEqual(['msg_3', 'msg_2']);
      expect(ids(await outbox.listByAccount(ACCOUNT, 2, 'msg_2'))).toEqual(['msg_1']);
    });

    test('replaces webhook settings only when they are as expected', async () => {
      const settings = (secret: string): WebhookSettings => ({
        account: ACCOUNT,
        secrets: [{ secret }, { secret: 'whsec_old', expiresAt: NOW }],
      });
      expect(await outbox.getSettings(ACCOUNT)).toBeUndefined();
      expect(await outbox.putSettings(settings('a'), settings('z'))).toBe(false);
      const races = await Promise.all([
        outbox.putSettings(settings('a'), undefined),
        outbox.putSettings(settings('a'), undefined),
      ]);
      expect(races.filter(Boolean)).toHaveLength(1);
      expect(await outbox.getSettings(ACCOUNT)).toEqual(settings('a'));
      expect(await outbox.putSettings(settings('b'), settings('a'))).toBe(true);
      expect(await outbox.putSettings(settings('c'), settings('a'))).toBe(false);
      expect(await outbox.getSettings(ACCOUNT)).toEqual(settings('b'));
    });

    test('keeps the health of receivers per account and address', async () => {
      await outbox.putHealth(ACCOUNT, { url: URL, failingSince: NOW });
      await outbox.putHealth(ACCOUNT, { url: `${URL}2` });
      const gone = {
        url: URL,
        failingSince: NOW,
        disabledAt: NOW,
        disabledReason: 'gone',
      } as const;
      await outbox.putHealth(ACCOUNT, gone);
      expect(await outbox.getHealth(ACCOUNT, URL)).toEqual(gone);
      expect(await outbox.getHealth(OTHER_ACCOUNT, URL)).toBeUndefined();
      expect(await outbox.listHealth(ACCOUNT)).toEqual([gone, { url: `${URL}2` }]);
    });

    test('lists no more receivers than one can look through', async () => {
      for (let n = 0; n <= MOST_RECEIVERS; n++) {
        await outbox.putHealth(ACCOUNT, { url: `${URL}/${n}`, failingSince: NOW });
      }
      expect(await outbox.listHealth(ACCOUNT)).toHaveLength(MOST_RECEIVERS);
    });
  });
}
