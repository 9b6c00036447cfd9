import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AutoTopup } from '#shared/core/auto-topup.ts';
import { microUsd } from '#shared/core/money.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import { ACCOUNT, NOW, OTHER_ACCOUNT } from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

const FIRST: AutoTopup = {
  account: ACCOUNT,
  threshold: microUsd(1),
  amount: microUsd(10_000),
  monthlyLimit: microUsd(20_000),
  month: '2026-11',
  bought: microUsd(0),
  version: 1,
};

/** What every store of automatic top-ups must do. */
export function describeAutoTopups(name: string, makeStores: MakeStores): void {
  describe(`automatic top-ups: ${name}`, () => {
    let stores: StoreSet;
    beforeEach(async () => {
      stores = await makeStores({
        clock: createManualClock(NOW),
        randomBytes: createCountedBytes(),
      });
    });
    afterEach(() => stores.close());

    test('are changed only by those who know what is there', async () => {
      const { autoTopups } = stores;
      expect(await autoTopups.get(ACCOUNT)).toBeUndefined();
      expect(await autoTopups.put({ ...FIRST, version: 2 })).toBe(false);
      expect(await autoTopups.put(FIRST)).toBe(true);
      expect(await autoTopups.put(FIRST)).toBe(false);
      const card = { customer: 'cus_1', method: 'pm_1' };
      const second = { ...FIRST, card, ended: { at: NOW, reason: 'card_declined' as const } };
      const puts = await Promise.all(
        Array.from({ length: 5 }, () => autoTopups.put({ ...second, version: 2 })),
      );
      expect(puts.filter(Boolean)).toHaveLength(1);
      expect(await autoTopups.get(ACCOUNT)).toEqual({ ...second, version: 2 });
      expect(await autoTopups.get(OTHER_ACCOUNT)).toBeUndefined();
    });

    test('are removed once', async () => {
      const { autoTopups } = stores;
      await autoTopups.put(FIRST);
      expect(await autoTopups.remove(ACCOUNT)).toBe(true);
      expect(await autoTopups.remove(ACCOUNT)).toBe(false);
      expect(await autoTopups.get(ACCOUNT)).toBeUndefined();
      expect(await autoTopups.put(FIRST)).toBe(true);
    });
  });
}
