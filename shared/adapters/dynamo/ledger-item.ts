import type { AuditEntry } from '#shared/core/account.ts';
import { ulidFloor } from '#shared/core/ids.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import type { LedgerQuery } from '#shared/service/ports/ledger.ts';
import type { DynamoTable, Write } from './dynamo-table.ts';
import { itemKeys } from './item-keys.ts';
import { AFTER } from './table-schema.ts';

/** How far an entry's own time may be from the time in its id. */
const ID_SLACK_MS = 60_000;

export function ledgerWrite(entry: LedgerEntry): Write {
  return {
    put: { ...itemKeys.ledgerEntry(entry.account, entry.id), entry },
    condition: 'attribute_not_exists(pk)',
  };
}

export function auditWrite(audit: AuditEntry): Write {
  return { put: { ...itemKeys.audit(audit.account, audit.id), entry: audit } };
}

/** See `Ledger.entries`. */
export async function readEntries(
  table: DynamoTable,
  query: LedgerQuery,
): Promise<readonly LedgerEntry[]> {
  const { pk, sk } = itemKeys.ledgerEntry(query.account, '');
  const least = query.from === undefined ? '' : ulidFloor(query.from - ID_SLACK_MS);
  const ceiling = query.to === undefined ? AFTER : ulidFloor(query.to + ID_SLACK_MS);
  const to = sk + [query.before ?? AFTER, ceiling].sort()[0];
  const found: LedgerEntry[] = [];
  if (query.limit <= 0) return found;
  // One more: the entry that the page before ended with comes first.
  const range = { pk, from: sk + least, to, newestFirst: true, pageSize: query.limit + 1 };
  for await (const item of table.query(range)) {
    const entry = item['entry'] as LedgerEntry;
    if (entry.id === query.before) continue;
    if (query.from !== undefined && entry.at < query.from) continue;
    if (query.to !== undefined && entry.at >= query.to) continue;
    found.push(entry);
    if (found.length === query.limit) break;
  }
  return found;
}
