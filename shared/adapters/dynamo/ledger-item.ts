import type { Job } from '#shared/core/job.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import type { Write } from './dynamo-table.ts';
import { itemKeys } from './item-keys.ts';

export function ledgerWrite(entry: LedgerEntry): Write {
  return {
    put: { ...itemKeys.ledgerEntry(entry.account, entry.id), entry },
    condition: 'attribute_not_exists(pk)',
  };
}

/** What every ledger entry of a job says. */
export function jobEntry(
  job: Job,
): Pick<LedgerEntry, 'account' | 'job' | 'key' | 'model' | 'priceVersion' | 'tags'> {
  return {
    account: job.account,
    job: job.id,
    key: job.key,
    model: job.model.name,
    priceVersion: job.price.version,
    tags: job.tags,
  };
}
