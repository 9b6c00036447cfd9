import type { ApiKey, AuditEntry } from '#shared/core/account.ts';
import { defined } from '#shared/core/defined.ts';
import type { AccountId, KeyId } from '#shared/core/ids.ts';
import type { MicroUsd } from '#shared/core/money.ts';

/** What an update may set; null removes an optional value. */
export interface KeyChange
  extends Partial<Pick<ApiKey, 'label' | 'scopes' | 'ratePerMinute' | 'revokedAt' | 'replacedBy'>> {
  readonly expiresAt?: number | null;
  readonly dayCap?: MicroUsd | null;
  readonly monthCap?: MicroUsd | null;
}

/** The key after a change: null removes a value, and an absent one leaves it. */
export function changedKey(key: ApiKey, change: KeyChange): ApiKey {
  const members = Object.entries({ ...key, ...defined(change) });
  return Object.fromEntries(members.filter(([, value]) => value !== null)) as unknown as ApiKey;
}

/** API keys; each change writes its audit entry in the same transaction. */
export interface KeyStore {
  create(key: ApiKey, audit: AuditEntry): Promise<void>;
  get(id: KeyId): Promise<ApiKey | undefined>;
  list(account: AccountId): Promise<readonly ApiKey[]>;
  /** Changes a key that exists and is not revoked; undefined otherwise. */
  update(id: KeyId, change: KeyChange, audit: AuditEntry): Promise<ApiKey | undefined>;
  /** What a key's budget has spent or holds in a UTC day (`2026-11-23`) or month (`2026-11`). */
  spent(budgetKey: KeyId, period: string): Promise<MicroUsd>;
  /** Notes that a key was used; an older time than the one noted changes nothing. No audit entry. */
  noteUse(id: KeyId, at: number): Promise<void>;
  /** Newest first; `before` is the id of an entry, exclusive. */
  audit(account: AccountId, limit: number, before?: string): Promise<readonly AuditEntry[]>;
}
