import type { Account, ApiKey, AuditEntry } from '#shared/core/account.ts';
import type { Invitation } from '#shared/core/invitation.ts';
import type { Grant } from './ledger.ts';

/** What becomes of an invitation: an account with its first key, and with credit where it has some. */
export interface Redemption {
  readonly invitation: Invitation['id'];
  readonly at: number;
  readonly account: Account;
  readonly key: ApiKey;
  readonly grant?: Grant;
  /** Of the account and the key; the grant brings its own. */
  readonly audits: readonly AuditEntry[];
}

/** Invitations; each change writes its audit entry in the same transaction. */
export interface Invitations {
  create(invitation: Invitation, audit: AuditEntry): Promise<void>;
  get(id: Invitation['id']): Promise<Invitation | undefined>;
  /** Newest first. */
  list(): Promise<readonly Invitation[]>;
  /** Revokes one that is neither used nor revoked; undefined otherwise. */
  revoke(id: Invitation['id'], at: number, audit: AuditEntry): Promise<Invitation | undefined>;
  /**
   * Marks an open invitation as used and makes account, key and grant: all or nothing, once.
   *
   * @returns false where it is not open at that time, or its reference was granted before: nothing was written
   */
  redeem(redemption: Redemption): Promise<boolean>;
}
