import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KeyId } from '#shared/core/ids.ts';
import type { Invitation } from '#shared/core/invitation.ts';
import { microUsd } from '#shared/core/money.ts';
import { createInvitationService } from '#shared/service/domain/invitations.ts';
import { createKeyService } from '#shared/service/domain/keys.ts';
import type { Redemption } from '#shared/service/ports/invitations.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { macKeys } from '#test/helpers/mac-keys.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import {
  ACCOUNT,
  DAY,
  fund,
  NOW,
  OTHER_ACCOUNT,
  sampleAccount,
  sampleAudit,
  sampleGrant,
  sampleKey,
} from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

const INVITATION: Invitation = {
  id: 'inv_1',
  name: 'Account acc_one',
  secretHash: 'a'.repeat(64),
  createdAt: NOW,
  createdBy: 'cli',
  expiresAt: NOW + DAY,
};
const SECRET = 'secretOfTheBrowserItself';

/** What every store of invitations must do. */
export function describeInvitations(name: string, makeStores: MakeStores): void {
  describe(`invitations: ${name}`, () => {
    let stores: StoreSet;
    let clock: ManualClock;

    beforeEach(async () => {
      clock = createManualClock(NOW);
      stores = await makeStores({ clock, randomBytes: createCountedBytes() });
    });
    afterEach(async () => {
      await expectInvariant(stores.ledger);
      await stores.close();
    });

    const redemption = (change: Partial<Redemption> = {}): Redemption => ({
      invitation: INVITATION.id,
      at: NOW,
      account: sampleAccount(),
      key: sampleKey(),
      grant: sampleGrant(1000),
      audits: [sampleAudit(), sampleAudit({ action: 'key-created' })],
      ...change,
    });

    test('are kept, listed with the newest first, and revoked once', async () => {
      const { invitations, keys } = stores;
      await invitations.create(INVITATION, sampleAudit({ action: 'invitation-created' }));
      const second = { ...INVITATION, id: 'inv_2', credit: { amount: microUsd(5) } };
      await invitations.create(second, sampleAudit());
      expect(await invitations.get('inv_1')).toEqual(INVITATION);
      expect(await invitations.get('inv_3')).toBeUndefined();
      expect(await invitations.list()).toEqual([second, INVITATION]);
      const revoked = { ...INVITATION, revokedAt: NOW };
      expect(await invitations.revoke('inv_1', NOW, sampleAudit())).toEqual(revoked);
      expect(await invitations.revoke('inv_1', NOW + 1, sampleAudit())).toBeUndefined();
      expect(await invitations.revoke('inv_3', NOW, sampleAudit())).toBeUndefined();
      expect(await invitations.get('inv_1')).toEqual(revoked);
      expect(await keys.audit(ACCOUNT, 10)).toHaveLength(3);
    });

    test('become an account with its key and its credit, in one step', async () => {
      const { invitations, ledger, keys } = stores;
      await invitations.create(INVITATION, sampleAudit());
      const grant = sampleGrant(1000, { expiresAt: NOW + 10 * DAY });
      expect(await invitations.redeem(redemption({ grant }))).toBe(true);
      expect(await invitations.get('inv_1')).toEqual({
        ...INVITATION,
        used: { at: NOW, account: ACCOUNT, key: sampleKey().id },
      });
      expect(await ledger.getAccount(ACCOUNT)).toEqual({ ...sampleAccount(), balance: 1000 });
      expect(await keys.list(ACCOUNT)).toEqual([sampleKey()]);
      expect(await ledger.entries({ account: ACCOUNT, limit: 10 })).toMatchObject([
        { kind: 'grant', amount: 1000, reference: grant.reference },
      ]);
      expect(await keys.audit(ACCOUNT, 10)).toHaveLength(4);
      expect(await invitations.revoke('inv_1', NOW, sampleAudit())).toBeUndefined();
      clock.advance(10 * DAY);
      await ledger.expireCredits(clock.now(), 10);
      expect(await ledger.getAccount(ACCOUNT)).toMatchObject({ balance: 0 });
    });

    test.each<[string, Partial<Invitation>]>([
      ['expired', { expiresAt: NOW }],
      ['revoked', { revokedAt: NOW }],
      ['used', { used: { at: NOW, account: OTHER_ACCOUNT, key: 'key0000000000002' as KeyId } }],
    ])('that are %s make nothing', async (_, change) => {
      const { invitations, ledger, keys } = stores;
      await invitations.create(
        { ...INVITATION, ...change },
        sampleAudit({ account: OTHER_ACCOUNT }),
      );
      expect(await invitations.redeem(redemption())).toBe(false);
      expect(await ledger.getAccount(ACCOUNT)).toBeUndefined();
      expect(await keys.get(sampleKey().id)).toBeUndefined();
      expect(await keys.audit(ACCOUNT, 10)).toEqual([]);
    });

    test('whose credit was granted before make nothing', async () => {
      const { invitations, ledger } = stores;
      await fund(ledger, 0, OTHER_ACCOUNT);
      const grant = sampleGrant(1000);
      await ledger.grant({ ...grant, account: OTHER_ACCOUNT });
      await invitations.create(INVITATION, sampleAudit());
      expect(await invitations.redeem(redemption({ grant }))).toBe(false);
      expect(await ledger.getAccount(ACCOUNT)).toBeUndefined();
    });

    test('of which ten redeem one at one time make one account', async () => {
      const { invitations, ledger } = stores;
      await invitations.create(INVITATION, sampleAudit());
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, i) => {
          const account = `acc_${i}` as typeof ACCOUNT;
          const grant = sampleGrant(1000, { account, reference: 'invitation inv_1' });
          const key = sampleKey({ id: `key000000000000${i}` as KeyId, account });
          return invitations.redeem(redemption({ account: sampleAccount(account), grant, key }));
        }),
      );
      expect(results.filter(Boolean)).toHaveLength(1);
      expect(await ledger.listAccounts()).toHaveLength(1);
      expect((await ledger.totals()).balances).toBe(1000);
    });

    describe('as the service redeems them', () => {
      const service = (salt = '') =>
        createInvitationService({
          ...stores,
          clock,
          randomBytes: createCountedBytes(`service${salt}`),
          macKeys: macKeys(0, 1),
        });
      const operator = { account: OTHER_ACCOUNT, actor: 'cli' } as const;
      const invite = () =>
        service().invite(
          { name: 'shop', expiresAt: NOW + DAY, credit: { amount: microUsd(5000) } },
          operator,
        );

      test('the same request again gets the same answer, another one is told that it is used', async () => {
        const { token } = await invite();
        const first = await service('1').redeem(token, SECRET);
        if (first.outcome !== 'redeemed') throw new Error(first.outcome);
        expect(first).toMatchObject({ isNew: true, account: { name: 'shop', balance: 5000 } });
        // Another process, after the key for MACs was rotated.
        const elsewhere = createInvitationService({
          ...stores,
          clock,
          randomBytes: createCountedBytes('elsewhere'),
          macKeys: macKeys(1, 0),
        });
        clock.advance(2 * DAY);
        const again = await elsewhere.redeem(token, SECRET);
        expect(again).toMatchObject({ isNew: false, account: first.account });
        expect(again).toMatchObject({ issued: { text: first.issued.text } });
        expect(await elsewhere.redeem(token, SECRET.toUpperCase())).toEqual({ outcome: 'used' });
        const keyService = createKeyService({
          ...stores,
          clock,
          randomBytes: createCountedBytes('keys'),
          macKeys: macKeys(0, 1),
        });
        expect(await keyService.authenticate(first.issued.text)).toMatchObject({
          ok: true,
          account: { id: first.account.id },
          key: { scopes: ['predict', 'read', 'admin'] },
        });
      });

      test('ten of the same at once are one account and one answer', async () => {
        const { token } = await invite();
        const results = await Promise.all(
          Array.from({ length: 10 }, (_, i) => service(String(i)).redeem(token, SECRET)),
        );
        const texts = results.map((one) => (one.outcome === 'redeemed' ? one.issued.text : ''));
        expect(new Set(texts).size).toBe(1);
        expect(texts[0]).toMatch(/^os_live_/);
        expect(await stores.ledger.listAccounts()).toHaveLength(1);
      });

      test('a wrong secret, an end and a revocation are told apart', async () => {
        const { token, invitation } = await invite();
        for (const wrong of [`${token}x`, `inv_2.${token}`, invitation.id]) {
          expect(await service().redeem(wrong, SECRET)).toEqual({ outcome: 'unknown' });
        }
        clock.advance(DAY);
        expect(await service().redeem(token, SECRET)).toEqual({ outcome: 'expired' });
        expect(await service().revoke(invitation.id, operator)).toMatchObject({
          revokedAt: NOW + DAY,
        });
        expect(await service().redeem(token, SECRET)).toEqual({ outcome: 'revoked' });
        expect(await service().revoke('inv_none', operator)).toBeUndefined();
        expect(await stores.ledger.listAccounts()).toEqual([]);
      });
    });
  });
}
