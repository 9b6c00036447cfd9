import type { Account, ApiKey, AuditEntry } from '#shared/core/account.ts';
import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { equalInConstantTime, sha256Hex } from '#shared/core/hash.ts';
import { type AccountId, createUlid, type RandomBytes } from '#shared/core/ids.ts';
import { type Invitation, type InvitationState, invitationState } from '#shared/core/invitation.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import type { Invitations, Redemption } from '#shared/service/ports/invitations.ts';
import type { KeyStore } from '#shared/service/ports/key-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { randomBase62 } from './base62.ts';
import { grantOf } from './credits.ts';
import { type MacKeys, mintApiKey, signApiKey } from './key-format.ts';
import type { IssuedKey } from './keys.ts';

export interface InvitationDeps {
  readonly invitations: Invitations;
  readonly keys: Pick<KeyStore, 'get'>;
  readonly ledger: Pick<Ledger, 'getAccount'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly macKeys: MacKeys;
}

export type NewInvitation = Pick<Invitation, 'name' | 'expiresAt' | 'credit'>;

/** An invitation with what its link carries, which is known now and never again. */
export interface MadeInvitation {
  readonly invitation: Invitation;
  /** `inv_…` and the secret, with a dot between them. */
  readonly token: string;
}

/** What has become of a redemption: `isNew` is false where the same one came before. */
export type RedeemResult =
  | {
      readonly outcome: 'redeemed';
      readonly isNew: boolean;
      readonly account: Account;
      readonly issued: IssuedKey;
    }
  | { readonly outcome: Exclude<InvitationState, 'open'> | 'unknown' };

const SECRET_DIGITS = 24;
/** What an account's first key may do: everything but what is the operator's. */
const FIRST_KEY = {
  label: 'first key',
  scopes: ['predict', 'read', 'admin'],
  ratePerMinute: 600,
} as const satisfies Partial<ApiKey>;

/** Invitations to an account: made by an operator, and redeemed once by whoever has the link. */
export function createInvitationService(deps: InvitationDeps) {
  const { invitations, clock, randomBytes, macKeys } = deps;

  const audit = (
    account: AccountId,
    actor: AuditEntry['actor'],
    action: string,
    subject: string,
    details: AuditEntry['details'] = {},
  ): AuditEntry => {
    const id = createUlid(clock, randomBytes);
    return { id, at: clock.now(), account, actor, action, subject, details };
  };

  /** The invitation that a link's token names, if the secret in it is the invitation's. */
  const find = async (token: string): Promise<Invitation | undefined> => {
    const [id = '', secret = ''] = token.split('.');
    const known = await invitations.get(id);
    if (known === undefined || !equalInConstantTime(known.secretHash, sha256Hex(secret))) {
      return undefined;
    }
    return known;
  };

  const redemptionOf = (invitation: Invitation, keySecret: string) => {
    const at = clock.now();
    const id = `acc_${createUlid(clock, randomBytes)}` as AccountId;
    const key = mintApiKey({ randomBytes, macKeys }).id;
    const text = signApiKey(key, keySecret, macKeys);
    const { name, credit } = invitation;
    const account: Account = { id, name, createdAt: at, balance: ZERO_USD, held: ZERO_USD };
    const grant =
      credit &&
      grantOf(deps, {
        account: id,
        amount: credit.amount,
        reference: `invitation ${invitation.id}`,
        actor: invitation.createdBy,
        note: 'Starting credit',
        ...defined({ expiresAt: credit.expiresAt }),
      });
    const redemption: Redemption = {
      invitation: invitation.id,
      at,
      account,
      key: { ...FIRST_KEY, id: key, account: id, secretHash: sha256Hex(text), createdAt: at },
      ...defined({ grant }),
      audits: [
        audit(id, invitation.createdBy, 'account-created', id, { name, invitation: invitation.id }),
        audit(id, key, 'key-created', key, { ...FIRST_KEY }),
      ],
    };
    return { redemption, text };
  };

  /** What a repeat of the request that used an invitation is answered; undefined for any other. */
  const replayOf = async (
    { used }: Invitation,
    keySecret: string,
  ): Promise<RedeemResult | undefined> => {
    const key = used && (await deps.keys.get(used.key));
    const account = used && (await deps.ledger.getAccount(used.account));
    if (key === undefined || account === undefined) return undefined;
    // The key for MACs may have been rotated since.
    const text = [...macKeys.keys.keys()]
      .map((version) => signApiKey(key.id, keySecret, macKeys, version))
      .find((candidate) => equalInConstantTime(key.secretHash, sha256Hex(candidate)));
    if (text === undefined) return undefined;
    return { outcome: 'redeemed', isNew: false, account, issued: { key, text } };
  };

  return {
    async invite(
      request: NewInvitation,
      operator: { readonly account: AccountId; readonly actor: AuditEntry['actor'] },
    ): Promise<MadeInvitation> {
      const secret = randomBase62(SECRET_DIGITS, randomBytes);
      const invitation: Invitation = {
        ...request,
        id: `inv_${createUlid(clock, randomBytes)}`,
        secretHash: sha256Hex(secret),
        createdAt: clock.now(),
        createdBy: operator.actor,
      };
      const { account, actor } = operator;
      const entry = audit(account, actor, 'invitation-created', invitation.id, {
        ...defined({ credit: request.credit }),
        expiresAt: request.expiresAt,
      });
      await invitations.create(invitation, entry);
      return { invitation, token: `${invitation.id}.${secret}` };
    },

    list: invitations.list,

    /** The invitation that a link's token leads to. */
    find,

    /** Undefined when there is no such invitation; one that is used or revoked stays as it is. */
    async revoke(
      id: Invitation['id'],
      operator: { readonly account: AccountId; readonly actor: AuditEntry['actor'] },
    ): Promise<Invitation | undefined> {
      const entry = audit(operator.account, operator.actor, 'invitation-revoked', id);
      return (await invitations.revoke(id, clock.now(), entry)) ?? invitations.get(id);
    },

    /**
     * Makes account and first key. The secret of the key is the caller's, so that the same request, sent
     * again because its answer got lost, gets the same answer.
     */
    async redeem(token: string, keySecret: string): Promise<RedeemResult> {
      const invitation = await find(token);
      if (invitation === undefined) return { outcome: 'unknown' };
      if (invitationState(invitation, clock.now()) === 'open') {
        const { redemption, text } = redemptionOf(invitation, keySecret);
        if (await invitations.redeem(redemption)) {
          const account = await deps.ledger.getAccount(redemption.account.id);
          const issued = { key: redemption.key, text };
          return {
            outcome: 'redeemed',
            isNew: true,
            account: account ?? redemption.account,
            issued,
          };
        }
      }
      const now = (await invitations.get(invitation.id)) ?? invitation;
      const state = invitationState(now, clock.now());
      if (state === 'used') return (await replayOf(now, keySecret)) ?? { outcome: 'used' };
      if (state !== 'open') return { outcome: state };
      throw new AppError('conflict', `The credit of ${now.id} was granted by hand; invite anew.`);
    },
  };
}

export type InvitationService = ReturnType<typeof createInvitationService>;
