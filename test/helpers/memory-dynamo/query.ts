import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { TABLE_SCHEMA } from '#shared/adapters/dynamo/table-schema.ts';
import { type Attributes, expectAllUsed, parseCondition, validationError } from './expressions.ts';
import type { MemoryTable } from './memory-table.ts';
import type { Place } from './sorted-places.ts';

const KEY_CONDITION = /^(\w+) = (:\w+)(?: AND (\w+) BETWEEN (:\w+) AND (:\w+))?$/;

/** One page of a query of the table or of an index. */
export function query(
  table: MemoryTable,
  input: QueryCommandInput,
  { shortPage = () => false }: { readonly shortPage?: (() => boolean) | undefined },
) {
  const { IndexName: name, FilterExpression: filter, ExclusiveStartKey: start } = input;
  if (name !== undefined && input.ConsistentRead === true) {
    throw validationError('Consistent reads are not supported on global secondary indexes');
  }
  expectAllUsed(input, [input.KeyConditionExpression, filter]);
  const { partition, from, to } = keyRange(input);
  const places = table.partition(partition, name);
  const within = places.filter(({ sort }) => sort >= from && sort <= to);
  if (input.ScanIndexForward === false) within.reverse();
  const sortKey = name === undefined ? TABLE_SCHEMA.sortKey : `${name}Sk`;
  const begin = start === undefined ? 0 : after(within, start, sortKey, input);
  const items: Attributes[] = [];
  let [read, last] = [0, undefined as Attributes | undefined];
  for (const { item } of within.slice(begin)) {
    const found = name === undefined ? table.getItem(item) : table.index(name).projected(item);
    if (found === undefined) continue;
    read++;
    if (filter === undefined || parseCondition(filter)(found, input)) items.push(found);
    last = found;
    if (read === input.Limit || shortPage()) break;
  }
  const isMore = begin + read < within.length || read === input.Limit;
  return {
    $metadata: {},
    Count: items.length,
    ScannedCount: read,
    ...(input.Select !== 'COUNT' && { Items: items }),
    ...(isMore && last && { LastEvaluatedKey: startKey(last, name) }),
  };
}

function keyRange(input: QueryCommandInput) {
  const [, , pk, , from, to] = KEY_CONDITION.exec(input.KeyConditionExpression ?? '') ?? [];
  if (pk === undefined) throw validationError('A key condition that this table does not know');
  const values = input.ExpressionAttributeValues ?? {};
  const text = (token: string | undefined, otherwise: string) =>
    token === undefined ? otherwise : String(values[token]);
  const range = { from: text(from, ''), to: text(to, '\u{10ffff}') };
  if (range.from > range.to) throw validationError('The BETWEEN operator requires from <= to');
  return { partition: text(pk, ''), ...range };
}

/** The place after the one that the last page ended with, whether that is still there or not. */
function after(
  within: readonly Place[],
  start: Attributes,
  sortKey: string,
  { ScanIndexForward }: QueryCommandInput,
): number {
  const sort = String(start[sortKey]);
  const item = `${start[TABLE_SCHEMA.partitionKey]}\n${start[TABLE_SCHEMA.sortKey]}`;
  const isPast = (place: Place) => {
    const [a, b] = place.sort === sort ? [place.item, item] : [place.sort, sort];
    return ScanIndexForward === false ? a < b : a > b;
  };
  const found = within.findIndex(isPast);
  return found === -1 ? within.length : found;
}

function startKey(item: Attributes, name: string | undefined): Attributes {
  const names: string[] = [TABLE_SCHEMA.partitionKey, TABLE_SCHEMA.sortKey];
  if (name !== undefined) names.push(`${name}Pk`, `${name}Sk`);
  return Object.fromEntries(names.map((key) => [key, item[key]]));
}
