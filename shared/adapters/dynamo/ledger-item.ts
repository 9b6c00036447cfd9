import type { AuditEntry } from '#shared/core/account.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import type { Write } from './dynamo-table.ts';
import { itemKeys } from './item-keys.ts';

export function ledgerWrite(entry: LedgerEntry): Write {
  return {
    put: { ...itemKeys.ledgerEntry(entry.account, entry.id), entry },
    condition: 'attribute_not_exists(pk)',
  };
}

export function auditWrite(audit: AuditEntry): Write {
  return { put: { ...itemKeys.audit(audit.account, audit.id), entry: audit } };
}
