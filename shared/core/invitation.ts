import type { AuditEntry } from './account.ts';
import type { AccountId, KeyId } from './ids.ts';
import type { MicroUsd } from './money.ts';

/** An account that an operator lets somebody make, once. */
export interface Invitation {
  /** `inv_` and 26 characters. */
  readonly id: string;
  /** What the account will be called. */
  readonly name: string;
  /** SHA-256 of the secret in its link, hex. */
  readonly secretHash: string;
  readonly createdAt: number;
  readonly createdBy: AuditEntry['actor'];
  readonly expiresAt: number;
  /** What the account starts with. */
  readonly credit?: { readonly amount: MicroUsd; readonly expiresAt?: number };
  readonly revokedAt?: number;
  readonly used?: { readonly at: number; readonly account: AccountId; readonly key: KeyId };
}

export const INVITATION_STATES = ['open', 'used', 'revoked', 'expired'] as const;
export type InvitationState = (typeof INVITATION_STATES)[number];

/** Whether an account can still be made of it, or why not. */
export function invitationState(
  { used, revokedAt, expiresAt }: Invitation,
  now: number,
): InvitationState {
  if (used !== undefined) return 'used';
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt <= now ? 'expired' : 'open';
}
