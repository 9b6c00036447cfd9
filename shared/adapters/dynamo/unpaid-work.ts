import type { JobPayment } from '#shared/core/payment.ts';
import {
  endUnpaid,
  takeUnpaid,
  type UnpaidCount,
  unpaidShares,
} from '#shared/service/domain/payments/unpaid-work.ts';
import type { UnpaidLimits } from '#shared/service/ports/job-store.ts';
import type { DynamoTable, Item, Write } from './dynamo-table.ts';
import { itemKeys } from './item-keys.ts';

const TTL_SECONDS = 40 * 86_400;

/** The counts of a payment's work with one job more, or whose limit that is above. */
export async function takeUnpaidWork(
  table: DynamoTable,
  payment: JobPayment,
  at: number,
  limits: UnpaidLimits | undefined,
): Promise<{ readonly writes: readonly Write[] } | { readonly refused: keyof UnpaidLimits }> {
  const writes: Write[] = [];
  for (const { of, name } of unpaidShares(payment)) {
    const read = await table.get(itemKeys.unpaidWork(name));
    const next = takeUnpaid(read && countOf(read), at, limits?.[of] ?? Number.POSITIVE_INFINITY);
    if (next === undefined) return { refused: of };
    writes.push(countWrite(name, read, next, at));
  }
  return { writes };
}

/** The counts of a payment's work once its job has ended. */
export async function endUnpaidWork(
  table: DynamoTable,
  payment: JobPayment,
  at: number,
  isUnpaid: boolean,
): Promise<readonly Write[]> {
  const writes: Write[] = [];
  for (const { name } of unpaidShares(payment)) {
    const read = await table.get(itemKeys.unpaidWork(name));
    writes.push(countWrite(name, read, endUnpaid(read && countOf(read), at, isUnpaid), at));
  }
  return writes;
}

function countOf(item: Item): UnpaidCount {
  return {
    open: Number(item['open']),
    failed: Number(item['failed']),
    day: String(item['day']),
  };
}

/** Replaces a count that is still as it was read. */
function countWrite(name: string, read: Item | undefined, next: UnpaidCount, at: number): Write {
  const version = Number(read?.['version'] ?? 0);
  const ttl = Math.ceil(at / 1000) + TTL_SECONDS;
  const put = { ...itemKeys.unpaidWork(name), ...next, version: version + 1, ttl };
  if (read === undefined) return { put, condition: 'attribute_not_exists(pk)' };
  return { put, condition: 'version = :version', values: { ':version': version } };
}
