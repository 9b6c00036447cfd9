import type { Job } from '#shared/core/job.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { entryIdsOf } from '#shared/service/domain/job-events.ts';
import type { DynamoTable, Item, Write } from './dynamo-table.ts';
import { indexKeys, itemKeys } from './item-keys.ts';
import { sortable } from './table-schema.ts';

/** An outbox entry as stored; `visibleAt` is when it may be claimed, while it is due. */
export interface DeliveryItem extends Item {
  readonly version: number;
  readonly entry: OutboxEntry;
  /** Of a job whose data was erased: the address goes once the entry is over. */
  readonly erased?: true;
}

/** The item of an entry, hidden until a time where one is given. */
export function toDeliveryItem(
  entry: OutboxEntry,
  version: number,
  visibleAt: number | undefined = entry.nextAttemptAt,
): DeliveryItem {
  return {
    ...itemKeys.delivery(entry.id),
    version,
    entry,
    ownedPk: indexKeys.deliveriesOf(entry.account),
    ownedSk: `${sortable(entry.createdAt)}#${entry.id}`,
    ...(entry.job !== undefined && {
      queuePk: indexKeys.deliveriesOfJob(entry.job),
      queueSk: `${sortable(entry.createdAt)}#${entry.id}`,
    }),
    ...(visibleAt !== undefined && {
      duePk: indexKeys.dueDeliveries,
      dueSk: `${sortable(visibleAt)}#${entry.id}`,
    }),
  };
}

/** Writes for the entries that are not there yet: their ids follow from what they tell of. */
export async function deliveryWrites(
  table: DynamoTable,
  entries: readonly OutboxEntry[],
): Promise<readonly Write[]> {
  if (entries.length === 0) return [];
  const known = await table.getMany(entries.map(({ id }) => itemKeys.delivery(id)));
  const ids = new Set(known.map((item) => (item as DeliveryItem).entry.id));
  return entries
    .filter(({ id }) => !ids.has(id))
    .map((entry) => ({ put: toDeliveryItem(entry, 0), condition: 'attribute_not_exists(pk)' }));
}

/**
 * Writes that erase where a job's webhooks went, and note of those that are still to be sent that it is to
 * be erased. Each is the entry as it was read, or the transaction fails.
 */
export async function eraseAddresses(table: DynamoTable, job: Job): Promise<readonly Write[]> {
  const keys = entryIdsOf(job).map((id) => itemKeys.delivery(id));
  const items = (await table.getMany(keys)) as readonly DeliveryItem[];
  return items.map((item) => {
    const isOver = item.entry.nextAttemptAt === undefined;
    return {
      put: {
        ...item,
        version: item.version + 1,
        ...(isOver ? { entry: { ...item.entry, url: '' } } : { erased: true }),
      },
      condition: 'version = :version',
      values: { ':version': item.version },
    };
  });
}
