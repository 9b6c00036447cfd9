import { toIso } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { type LedgerEntry, type UsageOfDay, usageOf } from '#shared/core/ledger.ts';
import type { UsagePage, UsageQuery } from '#shared/service/ports/ledger.ts';
import type { AccountItem } from './account-item.ts';
import type { DynamoTable, Item, Write } from './dynamo-table.ts';
import { itemKeys } from './item-keys.ts';
import { readEntries } from './ledger-item.ts';
import { AFTER } from './table-schema.ts';

interface UsageItem extends Item, UsageOfDay {}

/** From the place of a page: those of entries are ULIDs. */
const SUMS = itemKeys.usageDay('' as AccountId, '').sk;
const DAY_MS = 24 * 3_600_000;

/** Adds a capture to the sums of its day, in the transaction that writes its entry. */
export function usageWrites(entry: LedgerEntry): readonly Write[] {
  return entry.kind === 'capture' ? [addWrite(entry.account, usageOf(entry))] : [];
}

function addWrite(account: AccountId, used: UsageOfDay): Write {
  const { day, key, model, tags, jobs, images, amount } = used;
  return {
    update: itemKeys.usageDay(account, day, sha256Hex(JSON.stringify([key, model, sorted(tags)]))),
    expression:
      'SET #day = :day, #key = :key, #model = :model, #tags = :tags ' +
      'ADD #jobs :jobs, #images :images, #amount :amount',
    values: {
      ...{ ':day': day, ':key': key, ':model': model, ':tags': tags },
      ...{ ':jobs': jobs, ':images': images, ':amount': amount },
    },
  };
}

function sorted(tags: UsageOfDay['tags']): readonly (readonly string[])[] {
  return Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * See `Ledger.usage`: from the sums, and from the entries of days before sums were kept. Where a day is read
 * from is decided with the first page.
 */
export async function readUsageDays(
  table: DynamoTable,
  query: UsageQuery,
  now: number,
): Promise<UsagePage> {
  const { account, from, to, limit } = query;
  const [whole, place] =
    query.after === undefined
      ? [await wholeFrom(table, account, now)]
      : (JSON.parse(query.after) as [string, string]);
  const border = [whole, to].sort()[0] ?? to;
  const toPage = (rows: readonly UsageOfDay[], next: string | undefined): UsagePage => ({
    rows,
    ...(next !== undefined && { next: JSON.stringify([whole, next]) }),
  });
  const [, begin = from] = [from, border].sort();
  const sumsBegin = itemKeys.usageDay(account, begin);
  if (from < border && place?.startsWith(SUMS) !== true) {
    const days = { from: Date.parse(from), to: Date.parse(border) };
    const found = await readEntries(table, {
      account,
      ...days,
      limit,
      ...defined({ before: place }),
    });
    const rows = found.filter(({ kind }) => kind === 'capture').map(usageOf);
    const end = border < to ? sumsBegin.sk : undefined;
    return toPage(rows, found.length < limit ? end : found.at(-1)?.id);
  }
  const rows: UsageOfDay[] = [];
  const range = { pk: sumsBegin.pk, from: place ?? sumsBegin.sk, to: SUMS + to };
  // One more: what the page before ended with comes first.
  for await (const item of table.query({ ...range, pageSize: limit + 1 })) {
    if (item.sk === place) continue;
    rows.push(toUsage(item as UsageItem));
    if (rows.length === limit) return toPage(rows, item.sk);
  }
  return toPage(rows, undefined);
}

function toUsage({ day, key, model, tags, jobs, images, amount }: UsageItem): UsageOfDay {
  return { day, key, model, tags, jobs, images, amount };
}

/**
 * The first day whose sums are whole: all are in an account that began with them. In an older one, and after
 * a version that keeps none had settled again, those from the day after tomorrow on: until then, such
 * a version may still have something under way.
 */
async function wholeFrom(table: DynamoTable, id: AccountId, now: number): Promise<string> {
  const item = (await table.get(itemKeys.account(id))) as AccountItem | undefined;
  if (item === undefined) return '';
  const { captured, summed } = item;
  const unsummed = captured - (summed ?? 0);
  if (item.sumsFrom !== undefined && item.unsummed === unsummed) return item.sumsFrom;
  const from = toIso(now + 2 * DAY_MS).slice(0, 10);
  const same = summed === undefined ? 'attribute_not_exists(summed)' : 'summed = :summed';
  await table.write([
    {
      update: itemKeys.account(id),
      expression: 'SET sumsFrom = :from, unsummed = :unsummed',
      condition: `captured = :captured AND ${same}`,
      values: {
        ...{ ':from': from, ':unsummed': unsummed, ':captured': captured },
        ...defined({ ':summed': summed }),
      },
    },
  ]);
  return from;
}

/** Takes the tags off an account's sums: what was charged stays. Returns how many had some. */
export async function eraseTags(table: DynamoTable, account: AccountId): Promise<number> {
  let erased = 0;
  const { pk } = itemKeys.usageDay(account, '');
  for await (const found of table.query({ pk, from: SUMS, to: SUMS + AFTER })) {
    const item = found as UsageItem;
    if (Object.keys(item.tags).length === 0) continue;
    // What was added to meanwhile is found again.
    const written = await table.write([
      { delete: item, condition: '#jobs = :jobs', values: { ':jobs': item.jobs } },
      addWrite(account, { ...toUsage(item), tags: {} }),
    ]);
    if (written) erased++;
  }
  return erased;
}
