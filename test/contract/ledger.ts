import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AccountId } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';
import { setAccountAccess } from '#shared/service/domain/account-access.ts';
import { createKeyService, type KeyService } from '#shared/service/domain/keys.ts';
import type { Ledger, Reversal } from '#shared/service/ports/ledger.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { allEntries, expectInvariant } from '#test/helpers/invariant.ts';
import { macKeys } from '#test/helpers/mac-keys.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import {
  ACCOUNT,
  DAY,
  fund,
  HOUR,
  NOW,
  OTHER_ACCOUNT,
  sampleAccount,
  sampleAdmission,
  sampleAudit,
  sampleGrant,
  sampleReversal,
  sampleSettlement,
} from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

/** What every ledger must do; `makeStores` gives stores over an empty database. */
export function describeLedger(name: string, makeStores: MakeStores): void {
  describe(`ledger: ${name}`, () => {
    let stores: StoreSet;
    let ledger: Ledger;
    let clock: ManualClock;

    beforeEach(async () => {
      clock = createManualClock(NOW);
      stores = await makeStores({ clock, randomBytes: createCountedBytes() });
      ({ ledger } = stores);
    });
    afterEach(async () => {
      await expectInvariant(ledger);
      await stores.close();
    });

    const balance = async (id: AccountId = ACCOUNT) => (await ledger.getAccount(id))?.balance;

    const order = (amount: number, createdAt = NOW) =>
      stores.jobs.admit(sampleAdmission({ hold: microUsd(amount), createdAt }));
    const hold = async (amount: number, createdAt = NOW) => {
      const result = await order(amount, createdAt);
      if (result.outcome !== 'admitted') throw new Error(result.outcome);
      return result.job;
    };

    describe('accounts', () => {
      test('are created once and without money', async () => {
        const account = { ...sampleAccount(), balance: microUsd(5), held: microUsd(5) };
        expect(await ledger.createAccount(account, sampleAudit())).toEqual({ created: true });
        const again = { ...sampleAccount(), name: 'changed' };
        expect(await ledger.createAccount(again, sampleAudit())).toEqual({ created: false });
        expect(await ledger.getAccount(ACCOUNT)).toEqual(sampleAccount());
        expect(await ledger.listAccounts()).toEqual([sampleAccount()]);
        expect(await stores.keys.audit(ACCOUNT, 10)).toHaveLength(1);
      });

      test('can be disabled and let in again', async () => {
        await fund(ledger, 0);
        const disabled = await ledger.setDisabled(ACCOUNT, NOW, sampleAudit());
        expect(disabled).toMatchObject({ disabledAt: NOW });
        expect(await ledger.setDisabled(ACCOUNT, undefined, sampleAudit())).toEqual(
          sampleAccount(),
        );
        expect(await ledger.getAccount(ACCOUNT)).toEqual(sampleAccount());
        expect(await ledger.setDisabled(OTHER_ACCOUNT, NOW, sampleAudit())).toBeUndefined();
      });

      test('once disabled, are refused everywhere within a minute; their open jobs are charged', async () => {
        await fund(ledger, 10);
        const [here, elsewhere] = Array.from({ length: 2 }, (_, i) =>
          createKeyService({
            ...{ keys: stores.keys, ledger, clock, macKeys: macKeys(0) },
            randomBytes: createCountedBytes(String(i)),
          }),
        ) as [KeyService, KeyService];
        const key = { account: ACCOUNT, label: '', scopes: ['predict'], ratePerMinute: 1 } as const;
        const { text } = await here.issue(key, 'cli');
        expect(await elsewhere.authenticate(text)).toMatchObject({ ok: true });
        const job = await hold(4);

        const deps = { ledger, keyService: here, clock, randomBytes: createCountedBytes('2') };
        const change = { account: ACCOUNT, actor: 'cli' } as const;
        const disabled = { ...change, access: 'disabled' } as const;
        expect(await setAccountAccess(deps, disabled)).toMatchObject({ disabledAt: NOW });
        const refused = { ok: false, reason: 'account-disabled' };
        expect(await here.authenticate(text)).toEqual(refused);
        clock.advance(60_000);
        expect(await elsewhere.authenticate(text)).toEqual(refused);
        expect(await setAccountAccess(deps, disabled)).toMatchObject({ disabledAt: NOW });
        await stores.jobs.settle(sampleSettlement(job, { captured: microUsd(4) }));
        expect((await allEntries(ledger, ACCOUNT)).map(({ kind }) => kind)).toContain('capture');

        await setAccountAccess(deps, { ...change, access: 'enabled' });
        expect(await here.authenticate(text)).toMatchObject({ ok: true });
        const actions = (await stores.keys.audit(ACCOUNT, 10)).map(({ action }) => action);
        expect(actions.filter((action) => /abled$/.test(action)).sort()).toEqual([
          'account-disabled',
          'account-enabled',
        ]);
      });

      test('that do not exist are undefined', async () => {
        expect(await ledger.getAccount(ACCOUNT)).toBeUndefined();
      });
    });

    describe('grants', () => {
      test('add to the balance, with an entry and an audit entry', async () => {
        await fund(ledger, 0);
        const grant = sampleGrant(1000, { expiresAt: NOW + DAY, note: 'welcome' });
        const result = await ledger.grant(grant);
        const entry = {
          id: grant.entryId,
          account: ACCOUNT,
          kind: 'grant',
          at: NOW,
          amount: 1000,
          reference: grant.reference,
          expiresAt: NOW + DAY,
          note: 'welcome',
        };
        expect(result).toEqual({ outcome: 'granted', entry });
        expect(await allEntries(ledger, ACCOUNT)).toEqual([entry]);
        expect(await balance()).toBe(1000);
        expect((await stores.keys.audit(ACCOUNT, 10)).map(({ id }) => id)).toContain(
          grant.audit.id,
        );
      });

      test('of one reference, 20 in parallel, count once', async () => {
        await fund(ledger, 0);
        const results = await Promise.all(
          Array.from({ length: 20 }, () => ledger.grant(sampleGrant(1000, { reference: 'pi_1' }))),
        );
        expect(results.filter(({ outcome }) => outcome === 'granted')).toHaveLength(1);
        expect(results.filter(({ outcome }) => outcome === 'replayed')).toHaveLength(19);
        expect(new Set(results.map(({ entry }) => entry.id)).size).toBe(1);
        expect(await balance()).toBe(1000);
      });

      test('of a used reference with another amount or account are conflicts', async () => {
        await fund(ledger, 0);
        await fund(ledger, 0, OTHER_ACCOUNT);
        await ledger.grant(sampleGrant(1000, { reference: 'pi_1' }));
        for (const change of [{ amount: microUsd(999) }, { account: OTHER_ACCOUNT }]) {
          const grant = sampleGrant(1000, { reference: 'pi_1', ...change });
          expect(await ledger.grant(grant)).toMatchObject({
            outcome: 'conflict',
            entry: { account: ACCOUNT, amount: 1000 },
          });
        }
        expect(await balance()).toBe(1000);
        expect(await balance(OTHER_ACCOUNT)).toBe(0);
      });

      test('to an account that does not exist are refused', async () => {
        await expect(ledger.grant(sampleGrant(1000))).rejects.toMatchObject({ code: 'not-found' });
      });
    });

    describe('expiry', () => {
      beforeEach(() => fund(ledger, 0));
      const expiring = (amount: number, at: number) =>
        ledger.grant(sampleGrant(amount, { expiresAt: at, reference: `r-${at}` }));

      test('takes what is left when the time has come, once', async () => {
        await expiring(1000, NOW + DAY);
        await ledger.grant(sampleGrant(500));
        expect(await ledger.expireCredits(NOW + DAY - 1, 10)).toEqual([]);
        const [entry] = await ledger.expireCredits(NOW + DAY, 10);
        expect(entry).toMatchObject({
          kind: 'expiry',
          account: ACCOUNT,
          amount: 1000,
          at: NOW + DAY,
          reference: `r-${NOW + DAY}`,
        });
        expect(await ledger.expireCredits(NOW + DAY, 10)).toEqual([]);
        expect(await balance()).toBe(500);
        expect((await ledger.totals()).expired).toBe(1000);
      });

      test('finds the soonest-expiring credit spent first', async () => {
        await ledger.grant(sampleGrant(1000));
        await expiring(1000, NOW + 2 * DAY);
        await expiring(1000, NOW + DAY);
        await stores.jobs.settle(sampleSettlement(await hold(1400), { captured: microUsd(1400) }));
        expect(await ledger.expireCredits(NOW + DAY, 10)).toEqual([]);
        expect(await ledger.expireCredits(NOW + 2 * DAY, 10)).toMatchObject([{ amount: 600 }]);
        expect(await balance()).toBe(1000);
      });

      test('leaves what open jobs hold until they end: captured', async () => {
        await expiring(1000, NOW + DAY);
        const job = await hold(400);
        expect(await ledger.expireCredits(NOW + DAY, 10)).toMatchObject([{ amount: 600 }]);
        expect(await ledger.expireCredits(NOW + DAY, 10)).toEqual([]);
        expect(await ledger.getAccount(ACCOUNT)).toMatchObject({ balance: 0, held: 400 });
        await stores.jobs.settle(sampleSettlement(job, { captured: microUsd(400) }));
        expect(await ledger.expireCredits(NOW + DAY, 10)).toEqual([]);
        expect(await ledger.totals()).toMatchObject({ captured: 400, expired: 600, balances: 0 });
      });

      test('leaves what open jobs hold until they end: released', async () => {
        await expiring(1000, NOW + DAY);
        const job = await hold(400);
        await ledger.expireCredits(NOW + DAY, 10);
        await stores.jobs.settle(sampleSettlement(job));
        expect(await ledger.expireCredits(NOW + DAY + HOUR, 10)).toMatchObject([{ amount: 400 }]);
        expect(await balance()).toBe(0);
      });

      test('comes before an order of the same moment, swept or not', async () => {
        await expiring(1000, NOW + DAY);
        expect((await order(400, NOW + DAY - 1)).outcome).toBe('admitted');
        expect(await order(400, NOW + DAY)).toEqual({ outcome: 'insufficient-funds', balance: 0 });
        expect(await ledger.totals()).toMatchObject({ balances: 0, held: 400, expired: 600 });
        await ledger.grant(sampleGrant(500));
        expect(await order(501, NOW + DAY)).toMatchObject({ balance: 500 });
        expect((await order(500, NOW + DAY)).outcome).toBe('admitted');
      });

      test('is over in what is said of an account, with its entry', async () => {
        await expiring(1000, NOW + DAY);
        await ledger.grant(sampleGrant(500));
        expect(await balance()).toBe(1500);
        clock.advance(DAY - 1);
        expect(await balance()).toBe(1500);
        clock.advance(1);
        expect(await balance()).toBe(500);
        expect(await ledger.entries({ account: ACCOUNT, limit: 1 })).toMatchObject([
          { kind: 'expiry', amount: 1000, at: NOW + DAY },
        ]);
        await expiring(10, NOW + DAY);
        expect(await ledger.listAccounts()).toMatchObject([{ balance: 500 }]);
      });

      test('of held credit comes when its own job gives it back, whatever else is held', async () => {
        await expiring(500, NOW + DAY);
        const early = await hold(500);
        await ledger.grant(sampleGrant(500));
        const late = await hold(500, NOW + DAY + 1);
        await stores.jobs.settle(sampleSettlement(early));
        expect(await order(1, NOW + DAY + 2)).toEqual({
          outcome: 'insufficient-funds',
          balance: 0,
        });
        expect(await ledger.totals()).toMatchObject({ held: 500, expired: 500 });
        await stores.jobs.settle(sampleSettlement(late));
        expect(await ledger.expireCredits(NOW + DAY + 3, 10)).toEqual([]);
        expect(await ledger.totals()).toMatchObject({ balances: 500, held: 0, expired: 500 });
      });

      test('leaves lasting credit alone while a job holds what expires', async () => {
        await expiring(1000, NOW + DAY);
        await ledger.grant(sampleGrant(1000));
        await hold(500);
        expect(await ledger.expireCredits(NOW + DAY, 10)).toMatchObject([{ amount: 500 }]);
        expect(await ledger.totals()).toMatchObject({ balances: 1000, held: 500 });
      });

      test('takes of a part-captured hold what was not spent: the credit that expires last', async () => {
        await expiring(300, NOW + DAY);
        await expiring(300, NOW + 2 * DAY);
        await ledger.grant(sampleGrant(300));
        const job = await hold(800);
        await stores.jobs.settle(sampleSettlement(job, { captured: microUsd(400) }));
        expect(await ledger.expireCredits(NOW + DAY, 10)).toEqual([]);
        expect(await ledger.expireCredits(NOW + 2 * DAY, 10)).toMatchObject([{ amount: 200 }]);
        expect(await balance()).toBe(300);
      });

      test('and orders at the same moment agree on what is left', async () => {
        await expiring(1000, NOW + DAY);
        await ledger.grant(sampleGrant(300));
        const at = NOW + DAY;
        const [orders] = await Promise.all([
          Promise.all(Array.from({ length: 8 }, () => order(100, at))),
          ledger.expireCredits(at, 10),
          ledger.getAccount(ACCOUNT),
        ]);
        expect(orders.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(3);
        expect(await ledger.totals()).toMatchObject({ balances: 0, held: 300, expired: 1000 });
      });

      test('takes at most so many grants at once', async () => {
        for (let i = 0; i < 3; i++) await expiring(10, NOW + i);
        expect(await ledger.expireCredits(NOW + DAY, 2)).toHaveLength(2);
        expect(await ledger.expireCredits(NOW + DAY, 2)).toHaveLength(1);
      });

      test('in parallel expires once', async () => {
        await expiring(1000, NOW + DAY);
        const runs = await Promise.all(
          Array.from({ length: 5 }, () => ledger.expireCredits(NOW + DAY, 10)),
        );
        expect(runs.flat()).toHaveLength(1);
        expect(await balance()).toBe(0);
      });
    });

    describe('reversals', () => {
      beforeEach(() => fund(ledger, 0));
      const reverse = (amount: number, change: Partial<Reversal> = {}) =>
        ledger.reverse(sampleReversal(amount, change));
      const account = () => ledger.getAccount(ACCOUNT);

      test('take from the balance, with an entry and an audit entry', async () => {
        await ledger.grant(sampleGrant(1000));
        const reversal = sampleReversal(300, { reference: 're_1', note: 'refund of pi_1' });
        const entry = {
          ...{ id: reversal.entryId, account: ACCOUNT, kind: 'reversal', at: NOW, amount: 300 },
          ...{ reference: 're_1', note: 'refund of pi_1' },
        };
        expect(await ledger.reverse(reversal)).toEqual({ outcome: 'reversed', entry });
        expect((await allEntries(ledger, ACCOUNT))[0]).toEqual(entry);
        expect(await balance()).toBe(700);
        expect((await allEntries(ledger, ACCOUNT)).map(({ kind }) => kind)).toEqual([
          'reversal',
          'grant',
        ]);
        expect((await stores.keys.audit(ACCOUNT, 10)).map(({ id }) => id)).toContain(
          reversal.audit.id,
        );
      });

      test('of one reference, 20 in parallel, take once', async () => {
        await ledger.grant(sampleGrant(1000));
        const results = await Promise.all(
          Array.from({ length: 20 }, () => reverse(300, { reference: 're_1' })),
        );
        expect(results.filter(({ outcome }) => outcome === 'reversed')).toHaveLength(1);
        expect(results.filter(({ outcome }) => outcome === 'replayed')).toHaveLength(19);
        expect(await balance()).toBe(700);
      });

      test('of a used reference with another amount or account are conflicts', async () => {
        await fund(ledger, 500, OTHER_ACCOUNT);
        await ledger.grant(sampleGrant(1000));
        await reverse(300, { reference: 're_1' });
        for (const change of [{ amount: microUsd(299) }, { account: OTHER_ACCOUNT }]) {
          const again = await reverse(300, { reference: 're_1', ...change });
          expect(again).toMatchObject({ outcome: 'conflict', entry: { amount: 300 } });
        }
        expect(await balance()).toBe(700);
        expect(await balance(OTHER_ACCOUNT)).toBe(500);
      });

      test('of an account that does not exist are refused', async () => {
        const from = { account: 'acc_nobody' as AccountId };
        await expect(reverse(1, from)).rejects.toMatchObject({ code: 'not-found' });
      });

      test('share their references with no grant', async () => {
        await ledger.grant(sampleGrant(1000, { reference: 'one' }));
        expect(await reverse(1000, { reference: 'one' })).toMatchObject({ outcome: 'reversed' });
        expect(await ledger.findGrant('one')).toMatchObject({ kind: 'grant', amount: 1000 });
        expect(await ledger.findGrant('two')).toBeUndefined();
        expect(await balance()).toBe(0);
      });

      test('leave what is held, and the rest is owed; no order is taken until it is paid', async () => {
        await ledger.grant(sampleGrant(1000));
        const job = await hold(400);
        await reverse(1000);
        expect(await account()).toMatchObject({ balance: 0, held: 400, owed: 400 });
        const [owed, reversal] = await allEntries(ledger, ACCOUNT);
        expect([reversal, owed]).toMatchObject([
          { kind: 'reversal', amount: 1000 },
          { kind: 'owed', amount: 400, reference: reversal?.reference },
        ]);
        expect(await order(0)).toEqual({ outcome: 'account-owes', owed: 400 });
        await stores.jobs.settle(sampleSettlement(job, { captured: microUsd(400) }));
        expect(await account()).toMatchObject({ balance: 0, held: 0, owed: 400 });
        await ledger.grant(sampleGrant(399));
        expect(await order(0)).toEqual({ outcome: 'account-owes', owed: 1 });
        await ledger.grant(sampleGrant(11));
        expect(await account()).toEqual({ ...sampleAccount(), balance: 10 });
        expect((await order(10)).outcome).toBe('admitted');
      });

      test('an order of before is found again, whatever is owed now', async () => {
        await ledger.grant(sampleGrant(1000));
        const idempotency = { scope: 'again', expiresAt: NOW + DAY };
        const admission = sampleAdmission({ hold: microUsd(400) }, { idempotency });
        await stores.jobs.admit(admission);
        await reverse(1000);
        const repeated = sampleAdmission({ hold: microUsd(400) }, { idempotency });
        expect(await stores.jobs.admit(repeated)).toMatchObject({ outcome: 'replayed' });
        expect(await stores.jobs.admit(admission)).toMatchObject({ outcome: 'admitted' });
      });

      test('are paid by what jobs give back', async () => {
        await ledger.grant(sampleGrant(1000));
        const [first, second] = [await hold(500), await hold(500)];
        await reverse(600);
        await stores.jobs.settle(sampleSettlement(first, { captured: microUsd(100) }));
        expect(await account()).toMatchObject({ balance: 0, held: 500, owed: 200 });
        await stores.jobs.settle(sampleSettlement(second));
        expect(await account()).toEqual({ ...sampleAccount(), balance: 300 });
        expect((await order(300)).outcome).toBe('admitted');
      });

      test('that come before their grant are paid by it', async () => {
        await reverse(1000);
        expect(await account()).toMatchObject({ balance: 0, owed: 1000 });
        await ledger.grant(sampleGrant(1000, { expiresAt: NOW + DAY }));
        expect(await account()).toEqual(sampleAccount());
        expect(await ledger.expireCredits(NOW + DAY, 10)).toEqual([]);
      });

      test('take what expires first; a debt is paid with it as well', async () => {
        const expiring = { expiresAt: NOW + DAY };
        await ledger.grant(sampleGrant(500));
        await ledger.grant(sampleGrant(500, expiring));
        await reverse(400);
        const job = await hold(600);
        await reverse(50);
        // 100 of the hold would expire; half of it pays the debt.
        await stores.jobs.settle(sampleSettlement(job));
        expect(await account()).toEqual({ ...sampleAccount(), balance: 550 });
        expect(await ledger.expireCredits(NOW + DAY, 10)).toMatchObject([{ amount: 50 }]);
        expect(await balance()).toBe(500);
      });

      test('take nothing of credit whose time has come', async () => {
        await ledger.grant(sampleGrant(500, { expiresAt: NOW + DAY }));
        await reverse(100, { at: NOW + DAY });
        expect(await ledger.totals()).toMatchObject({ expired: 500, reversed: 100, owed: 100 });
      });

      test('beside orders, their ends and grants leave the books right', async () => {
        await ledger.grant(sampleGrant(1000));
        const jobs = await Promise.all(Array.from({ length: 5 }, () => hold(100)));
        await Promise.all([
          ...Array.from({ length: 4 }, () => reverse(200)),
          ...jobs.map((job, i) =>
            stores.jobs.settle(sampleSettlement(job, { captured: microUsd(i * 25) })),
          ),
          ...Array.from({ length: 4 }, () => ledger.grant(sampleGrant(30))),
          ...Array.from({ length: 4 }, () => order(50)),
        ]);
        expect(await ledger.totals()).toMatchObject({ reversed: 800, captured: 250 });
        await expectInvariant(ledger);
      });
    });

    describe('entries', () => {
      test('are newest first, in pages, between two times', async () => {
        await fund(ledger, 0);
        await fund(ledger, 50, OTHER_ACCOUNT);
        for (let i = 0; i < 5; i++) {
          await ledger.grant(sampleGrant(10 + i, { at: NOW + i * HOUR, reference: `r${i}` }));
        }
        const amounts = async (query: Partial<Parameters<Ledger['entries']>[0]>) => {
          const entries = await ledger.entries({ account: ACCOUNT, limit: 10, ...query });
          return entries.map(({ amount }) => amount);
        };
        expect(await amounts({})).toEqual([14, 13, 12, 11, 10]);
        expect(await amounts({ limit: 2 })).toEqual([14, 13]);
        const [, second] = await ledger.entries({ account: ACCOUNT, limit: 2 });
        expect(await amounts({ before: second?.id ?? '' })).toEqual([12, 11, 10]);
        expect(await amounts({ from: NOW + HOUR, to: NOW + 3 * HOUR })).toEqual([12, 11]);
      });
    });

    describe('totals', () => {
      test('of one account and of all', async () => {
        await fund(ledger, 1000);
        await fund(ledger, 50, OTHER_ACCOUNT);
        const job = await hold(300);
        await hold(100);
        await stores.jobs.settle(sampleSettlement(job, { captured: microUsd(200) }));
        expect(await ledger.totals(ACCOUNT)).toEqual({
          balances: 700,
          held: 100,
          owed: 0,
          granted: 1000,
          captured: 200,
          expired: 0,
          reversed: 0,
        });
        expect(await ledger.totals()).toEqual({
          balances: 750,
          held: 100,
          owed: 0,
          granted: 1050,
          captured: 200,
          expired: 0,
          reversed: 0,
        });
      });
    });
  });
}
