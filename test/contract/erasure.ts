import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AccountHook } from '#shared/core/account-hook.ts';
import type { JobId } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';
import { createAccountEraser } from '#shared/service/domain/account-deletion.ts';
import { createSettlement } from '#shared/service/domain/settlement.ts';
import { readUsage, type UsageGroup } from '#shared/service/domain/usage.ts';
import { accountEntry } from '#shared/service/domain/webhooks/account-events.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { allEntries, expectInvariant } from '#test/helpers/invariant.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import { createMemoryBlobs } from '#test/helpers/memory-blobs.ts';
import {
  ACCOUNT,
  DAY,
  fund,
  KEY,
  MINUTE,
  NOW,
  OTHER_ACCOUNT,
  sampleAdmission,
  sampleAudit,
  sampleGrant,
  sampleKey,
  sampleSettlement,
} from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

const SECRET = 'whsec_c2VjcmV0';
const WRITTEN = 'words of the customer';
const WORDS = [WRITTEN, SECRET, 'https://example.com'];

/** What the end of an account must do on every store. */
export function describeErasure(name: string, makeStores: MakeStores): void {
  describe(`erasure: ${name}`, () => {
    let stores: StoreSet;
    let clock: ManualClock;
    let blobs: ReturnType<typeof createMemoryBlobs>;

    beforeEach(async () => {
      clock = createManualClock(NOW);
      stores = await makeStores({ clock, randomBytes: createCountedBytes() });
      blobs = createMemoryBlobs();
      await furnish();
    });
    afterEach(async () => {
      await expectInvariant(stores.ledger);
      await stores.close();
    });

    /** Two accounts with everything; the second is to keep all of it. */
    const furnish = async (): Promise<void> => {
      for (const account of [ACCOUNT, OTHER_ACCOUNT]) {
        await fund(stores.ledger, 0, account);
        await stores.ledger.grant(sampleGrant(100_000, { account, note: WRITTEN }));
        const id = account === ACCOUNT ? KEY : ('key0000000000002' as typeof KEY);
        const key = sampleKey({ id, account, label: WRITTEN });
        const details = { label: WRITTEN };
        await stores.keys.create(key, sampleAudit({ account, action: 'key-created', details }));
        const hook: AccountHook = {
          account,
          url: 'https://example.com/hook',
          events: ['balance.low'],
          lowBalance: microUsd(1),
          told: [],
          version: 1,
        };
        const told = { id: `evt_${account}`, event: 'balance.low', data: {}, at: NOW } as const;
        await stores.hooks.put(hook, [accountEntry(hook, told)]);
        await stores.outbox.putSettings({ account, secrets: [{ secret: SECRET }] }, undefined);
        await stores.outbox.putHealth(account, { url: hook.url });
        const attempt = { entry: told.id, number: 1, at: NOW, durationMs: 1, status: 200 };
        await stores.outbox.recordAttempt(attempt, { next: 'delivered' });
        const amount = microUsd(10_000);
        await stores.autoTopups.put({
          ...{ account, threshold: amount, amount, monthlyLimit: amount, month: '2026-11' },
          ...{ bought: microUsd(0), card: { customer: WRITTEN, method: WRITTEN }, version: 1 },
        });
        for (let i = 0; i < 3; i++) await order(account, id);
      }
    };

    const order = async (account: typeof ACCOUNT, key: typeof KEY): Promise<JobId> => {
      const tags = { team: WRITTEN };
      const result = await stores.jobs.admit(sampleAdmission({ account, key, tags }));
      if (result.outcome !== 'admitted') throw new Error(result.outcome);
      return result.job.id;
    };

    const settlement = () =>
      createSettlement({
        jobs: stores.jobs,
        blobs,
        queue: { cancel: async () => undefined },
        clock,
        randomBytes: createCountedBytes('settlement'),
      });

    const usageOf = (account: typeof ACCOUNT, by: readonly UsageGroup[]) =>
      readUsage(stores.ledger, { account, from: NOW - DAY, to: NOW + 2 * DAY, by, now: NOW + DAY });

    /** Whatever can be read of an account. */
    const everything = async (account: typeof ACCOUNT): Promise<string> =>
      JSON.stringify([
        await stores.ledger.getAccount(account),
        await usageOf(account, ['day', 'tag:team']),
        await allEntries(stores.ledger, account),
        await stores.keys.audit(account, 100),
        await stores.keys.list(account),
        await stores.hooks.get(account),
        await stores.autoTopups.get(account),
        await stores.outbox.getSettings(account),
        await stores.outbox.listHealth(account),
        await stores.outbox.listByAccount(account, 100),
        await stores.outbox.attempts(`evt_${account}`),
        await stores.jobs.list({ account, limit: 100 }),
        await stores.ledger.usage({ account, from: '1971-01-01', to: '2200-01-01', limit: 500 }),
      ]);

    test('shuts the account out at once and for good, once', async () => {
      const { erasure, ledger, keys } = stores;
      const audit = () => sampleAudit({ action: 'account-deleted' });
      const deleted = await erasure.begin(ACCOUNT, NOW, audit());
      expect(deleted).toMatchObject({ name: '', disabledAt: NOW, deletedAt: NOW });
      expect(await erasure.begin(ACCOUNT, NOW + 1, audit())).toEqual(deleted);
      await ledger.setDisabled(ACCOUNT, undefined, sampleAudit({ action: 'account-enabled' }));
      expect(await ledger.getAccount(ACCOUNT)).toMatchObject({ disabledAt: NOW, deletedAt: NOW });
      expect(await erasure.begin('acc_none' as typeof ACCOUNT, NOW, audit())).toBeUndefined();
      expect((await erasure.pending()).map(({ id }) => id)).toEqual([ACCOUNT]);
      const acts = (await keys.audit(ACCOUNT, 100)).map(({ action }) => action);
      expect(acts.filter((action) => action === 'account-deleted')).toHaveLength(1);
    });

    test('leaves nothing that anybody has written, and every figure, whichever process goes on', async () => {
      const { erasure, ledger, jobs } = stores;
      const [newest, running] = await jobs.list({ account: ACCOUNT, limit: 2 });
      if (newest === undefined || running === undefined) throw new Error('no jobs');
      await jobs.settle(sampleSettlement(newest, { captured: newest.hold }));
      const used = await usageOf(ACCOUNT, ['day', 'key', 'model']);
      const figures = await ledger.totals(ACCOUNT);
      const kept = await everything(OTHER_ACCOUNT);
      await erasure.begin(ACCOUNT, NOW, sampleAudit({ action: 'account-deleted' }));
      // Let in by a process that had the key in its memory still.
      await order(ACCOUNT, KEY);
      let finished = 0;
      for (let look = 0; finished === 0 && look < 40; look++) {
        // Each look is of a process that knows nothing of the one before.
        const erase = createAccountEraser({
          ...stores,
          onError: (error) => {
            throw error;
          },
        });
        finished = await erase(settlement(), clock.now());
        clock.advance(MINUTE);
      }
      expect(finished).toBe(1);
      const left = await everything(ACCOUNT);
      for (const word of WORDS) expect(left).not.toContain(word);
      expect(await usageOf(ACCOUNT, ['day', 'key', 'model'])).toEqual(used);
      expect(await stores.keys.get(KEY)).toBeUndefined();
      expect(await erasure.pending()).toEqual([]);
      const after = await ledger.totals(ACCOUNT);
      expect(after).toMatchObject({
        granted: figures.granted,
        captured: figures.captured,
        held: 0,
      });
      expect((await ledger.getAccount(ACCOUNT))?.erasedAt).toBeGreaterThanOrEqual(
        NOW + 15 * MINUTE,
      );
      expect(await everything(OTHER_ACCOUNT)).toBe(kept);
    });
  });
}
