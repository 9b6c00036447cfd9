import type { ApiKey, AuditEntry } from '#shared/core/account.ts';
import type { AccountId, KeyId } from '#shared/core/ids.ts';

/** API keys; each change writes its audit entry in the same transaction. */
export interface KeyStore {
  create(key: ApiKey, audit: AuditEntry): Promise<void>;
  get(id: KeyId): Promise<ApiKey | undefined>;
  list(account: AccountId): Promise<readonly ApiKey[]>;
  /** Changes a key that exists and is not revoked; undefined otherwise. */
  update(
    id: KeyId,
    change: Partial<
      Pick<
        ApiKey,
        | 'label'
        | 'scopes'
        | 'expiresAt'
        | 'revokedAt'
        | 'dayCap'
        | 'monthCap'
        | 'ratePerMinute'
        | 'replacedBy'
      >
    >,
    audit: AuditEntry,
  ): Promise<ApiKey | undefined>;
  /** Newest first. */
  audit(account: AccountId, limit: number, before?: string): Promise<readonly AuditEntry[]>;
}
