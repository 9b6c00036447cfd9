import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ACCOUNT_EVENTS, type AccountHook } from '#shared/core/account-hook.ts';
import { microUsd } from '#shared/core/money.ts';
import { accountEntry } from '#shared/service/domain/webhooks/account-events.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import { ACCOUNT, fund, MINUTE, NOW, OTHER_ACCOUNT, PRICE } from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

const HOOK: AccountHook = {
  account: ACCOUNT,
  url: 'https://example.com/account',
  events: ACCOUNT_EVENTS,
  lowBalance: microUsd(1_000_000),
  told: [],
  version: 1,
};
const entry = (id: string) =>
  accountEntry(HOOK, { id, event: 'balance.low', data: { balance: 5 }, at: NOW });

/** What every store of accounts' hooks must do. */
export function describeAccountHooks(name: string, makeStores: MakeStores): void {
  describe(`account hooks: ${name}`, () => {
    let stores: StoreSet;

    beforeEach(async () => {
      const clock = createManualClock(NOW);
      stores = await makeStores({ clock, randomBytes: createCountedBytes() });
      await fund(stores.ledger, 1000 * PRICE);
    });
    afterEach(() => stores.close());

    test('keeps one an account, and lists all', async () => {
      const { hooks } = stores;
      expect(await hooks.get(ACCOUNT)).toBeUndefined();
      expect(await hooks.list()).toEqual([]);
      expect(await hooks.put(HOOK, [])).toBe(true);
      const other = { ...HOOK, account: OTHER_ACCOUNT, url: 'https://example.com/other' };
      expect(await hooks.put(other, [])).toBe(true);
      expect(await hooks.get(ACCOUNT)).toEqual(HOOK);
      expect((await hooks.list()).map(({ account }) => account).sort()).toEqual(
        [ACCOUNT, OTHER_ACCOUNT].sort(),
      );
      expect(await hooks.remove(ACCOUNT)).toBe(true);
      expect(await hooks.remove(ACCOUNT)).toBe(false);
      expect(await hooks.list()).toEqual([other]);
    });

    test('takes a change of the version that is stored, with its entries or not at all', async () => {
      const { hooks, outbox } = stores;
      await hooks.put(HOOK, []);
      const next = { ...HOOK, told: ['balance.low'], version: 2 };
      expect(await hooks.put(next, [entry('evt_1')])).toBe(true);
      expect(await outbox.get('evt_1')).toEqual(entry('evt_1'));
      for (const late of [HOOK, next, { ...HOOK, version: 4 }]) {
        expect(await hooks.put(late, [entry('evt_2')])).toBe(false);
      }
      expect(await outbox.get('evt_2')).toBeUndefined();
      expect(await hooks.get(ACCOUNT)).toEqual(next);
    });

    test('of two at one time, one is let through', async () => {
      const { hooks, outbox } = stores;
      await hooks.put(HOOK, []);
      const change = (id: string) => hooks.put({ ...HOOK, version: 2 }, [entry(id)]);
      const results = await Promise.all(['evt_a', 'evt_b', 'evt_c'].map(change));
      expect(results.filter(Boolean)).toHaveLength(1);
      expect(await outbox.listByAccount(ACCOUNT, 10)).toHaveLength(1);
    });

    test("an account's entry is claimed, tried and listed like a job's", async () => {
      const { hooks, outbox } = stores;
      await hooks.put(HOOK, [entry('evt_1')]);
      await outbox.add({ ...entry('evt_2'), event: 'test' });
      await outbox.add({ ...entry('evt_2'), url: 'https://example.com/changed' });
      const due = await outbox.claimDue(NOW, NOW + MINUTE, 10);
      expect(due.map(({ id }) => id).sort()).toEqual(['evt_1', 'evt_2']);
      await outbox.recordAttempt(
        { entry: 'evt_2', number: 1, at: NOW, durationMs: 1, status: 200 },
        { next: 'delivered' },
      );
      expect(await outbox.get('evt_2')).toMatchObject({
        event: 'test',
        deliveredAt: NOW,
        url: HOOK.url,
      });
      expect(await outbox.listByAccount(ACCOUNT, 10)).toHaveLength(2);
    });
  });
}
