import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KeyId } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';
import type { KeyStore } from '#shared/service/ports/key-store.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import {
  ACCOUNT,
  fund,
  KEY,
  NOW,
  OTHER_ACCOUNT,
  PRICE,
  sampleAdmission,
  sampleAudit,
  sampleId,
  sampleKey,
} from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

/** What every key store must do; `makeStores` gives stores over an empty database. */
export function describeKeyStore(name: string, makeStores: MakeStores): void {
  describe(`key store: ${name}`, () => {
    let stores: StoreSet;
    let keys: KeyStore;

    beforeEach(async () => {
      const clock = createManualClock(NOW);
      stores = await makeStores({ clock, randomBytes: createCountedBytes() });
      ({ keys } = stores);
      await fund(stores.ledger, 0);
      await fund(stores.ledger, 0, OTHER_ACCOUNT);
    });
    afterEach(() => stores.close());

    const second = 'key0000000000002' as KeyId;
    const audit = (action: string) => sampleAudit({ action, subject: KEY });

    test('tells what a budget has spent or holds', async () => {
      await fund(stores.ledger, 10 * PRICE);
      expect(await keys.spent(KEY, '2026-11-23')).toBe(0);
      await stores.jobs.admit(sampleAdmission());
      for (const period of ['2026-11-23', '2026-11']) {
        expect(await keys.spent(KEY, period)).toBe(PRICE);
      }
      expect(await keys.spent(KEY, '2026-11-22')).toBe(0);
    });

    test('keeps every field of a key, and lists an account’s keys only', async () => {
      const full = sampleKey({
        expiresAt: NOW + 5,
        dayCap: microUsd(1),
        monthCap: microUsd(2),
        replacedBy: second,
      });
      await keys.create(full, audit('key-created'));
      const plain = sampleKey({ id: second, createdAt: NOW + 1 });
      await keys.create(plain, audit('key-created'));
      const other = sampleKey({ id: 'key0000000000003' as KeyId, account: OTHER_ACCOUNT });
      await keys.create(other, audit('key-created'));
      expect(await keys.get(KEY)).toEqual(full);
      expect(await keys.list(ACCOUNT)).toEqual([full, plain]);
      expect(await keys.get('none' as KeyId)).toBeUndefined();
    });

    test('notes the last use, which no change of the key loses', async () => {
      await keys.create(sampleKey(), audit('key-created'));
      await keys.noteUse(KEY, NOW + 5);
      await keys.noteUse(KEY, NOW + 1);
      await keys.noteUse('none' as KeyId, NOW);
      expect((await keys.get(KEY))?.lastUsedAt).toBe(NOW + 5);
      await keys.update(KEY, { label: 'new' }, audit('key-changed'));
      expect(await keys.list(ACCOUNT)).toMatchObject([{ label: 'new', lastUsedAt: NOW + 5 }]);
      await keys.noteUse(KEY, NOW + 9);
      expect((await keys.get(KEY))?.lastUsedAt).toBe(NOW + 9);
      expect(await keys.get('none' as KeyId)).toBeUndefined();
    });

    test('changes some fields, removes limits with null, and audits it', async () => {
      await keys.create(
        sampleKey({ dayCap: microUsd(1), expiresAt: NOW + 5 }),
        audit('key-created'),
      );
      const updated = await keys.update(
        KEY,
        { label: 'new', scopes: ['admin'], dayCap: null, monthCap: microUsd(9), expiresAt: null },
        audit('key-updated'),
      );
      const expected = sampleKey({ label: 'new', scopes: ['admin'], monthCap: microUsd(9) });
      expect(updated).toEqual(expected);
      expect(await keys.get(KEY)).toEqual(expected);
      const actions = (await keys.audit(ACCOUNT, 10)).map(({ action }) => action);
      expect(actions).toEqual(expect.arrayContaining(['key-created', 'key-updated']));
    });

    test('a revoked or unknown key changes no more, and that is not audited', async () => {
      await keys.create(sampleKey(), audit('key-created'));
      const revoked = await keys.update(KEY, { revokedAt: NOW }, audit('key-revoked'));
      expect(revoked).toEqual(sampleKey({ revokedAt: NOW }));
      expect(await keys.update(KEY, { label: 'x' }, audit('key-updated'))).toBeUndefined();
      expect(await keys.update(second, { label: 'x' }, audit('key-updated'))).toBeUndefined();
      expect(await keys.get(KEY)).toEqual(sampleKey({ revokedAt: NOW }));
      const actions = (await keys.audit(ACCOUNT, 10)).map(({ action }) => action);
      expect(actions).not.toContain('key-updated');
    });

    test('in parallel a key is revoked once', async () => {
      await keys.create(sampleKey(), audit('key-created'));
      const results = await Promise.all(
        Array.from({ length: 5 }, (_, i) =>
          keys.update(KEY, { revokedAt: NOW + i }, audit('key-revoked')),
        ),
      );
      expect(results.filter((key) => key !== undefined)).toHaveLength(1);
    });

    test('the audit log lists newest first, in pages', async () => {
      const entries = [1, 2, 3].map((i) =>
        sampleAudit({
          id: sampleId(NOW + i),
          at: NOW + i,
          actor: KEY,
          action: 'key-created',
          details: { label: `n${i}`, caps: [1, null] },
        }),
      );
      for (const [i, entry] of entries.entries()) {
        await keys.create(sampleKey({ id: `key000000000001${i}` as KeyId }), entry);
      }
      const page = await keys.audit(ACCOUNT, 2);
      expect(page).toEqual([entries[2], entries[1]]);
      const next = await keys.audit(ACCOUNT, 1, page[1]?.id ?? '');
      expect(next).toEqual([entries[0]]);
    });
  });
}
