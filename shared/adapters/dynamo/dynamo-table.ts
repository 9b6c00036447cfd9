import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchGetCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { isConditionFailure, isConflict } from './dynamo-errors.ts';
import { type IndexName, TABLE_SCHEMA } from './table-schema.ts';

export interface Key {
  readonly pk: string;
  readonly sk: string;
}
/** Where an index says that an item is, and under which sort key. */
export interface IndexedKey extends Key {
  readonly indexSk: string;
}
export type Item = Record<string, unknown> & Key;
type Transacted = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

interface Conditional {
  readonly condition?: string;
  readonly values?: Record<string, unknown>;
}
/** One write of a transaction; the table's name is filled in. */
export type Write =
  | (Conditional & { readonly put: Item })
  | (Conditional & { readonly update: Key; readonly expression: string })
  | (Conditional & { readonly delete: Key });

export interface KeyQuery {
  readonly pk: string;
  /** Bounds of the sort key, inclusive. */
  readonly from?: string;
  readonly to?: string;
  readonly newestFirst?: boolean;
  /** Only items with this attribute, which the index must include. */
  readonly having?: string;
  /** How many items one call reads at most: as many as are wanted. Default a megabyte of them. */
  readonly pageSize?: number;
}

/** The single table, with the few calls that the stores need. Reads are consistent. */
export interface DynamoTable {
  get(key: Key): Promise<Item | undefined>;
  /** In the order of the keys, each once; absent items are left out. */
  getMany(keys: readonly Key[]): Promise<readonly Item[]>;
  /** Items of a partition, page after page. */
  query(query: KeyQuery): AsyncGenerator<Item>;
  /** Keys of items in an index, page after page: an index lags behind, so look at the item itself. */
  queryIndex(index: IndexName, query: KeyQuery, pageSize: number): AsyncGenerator<IndexedKey>;
  /** How many items an index has in a partition, of those without the attribute if one is named. */
  countIndex(index: IndexName, pk: string, without?: string): Promise<number>;
  /**
   * All writes or none; false when a condition did not hold.
   *
   * @param once whether false must mean that nothing was written. A single write whose answer got lost is
   *   sent again and meets itself: its condition doesn't hold any more. A transaction knows its own token
   */
  write(writes: readonly Write[], once?: 'once'): Promise<boolean>;
  /** One update; its attributes after it, or undefined when the condition did not hold. */
  update(write: Extract<Write, { update: Key }>): Promise<Item | undefined>;
}

export interface DynamoTableDeps {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly sleep?: (ms: number) => Promise<void>;
  /** Between 0 and 1. */
  readonly random?: () => number;
}

/** Writers of one item collide at once and again: the wait grows to a second, with jitter. */
const MAX_CONFLICTS = 40;
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 1_000;
const BATCH = 100;

export function createDynamoTable(deps: DynamoTableDeps): DynamoTable {
  return {
    get: async (key) => {
      const command = new GetCommand({
        ...named(deps),
        Key: keyOf(key),
        ConsistentRead: true,
      });
      return (await deps.client.send(command)).Item as Item | undefined;
    },
    getMany: (keys) => getMany(deps, keys),
    query: (query) => queryItems(deps, query),
    queryIndex: (index, query, pageSize) => queryIndex(deps, index, query, pageSize),
    countIndex: (index, pk, without) => countIndex(deps, index, pk, without),
    write: (writes, once) => retryConflicts(deps, () => writeAll(deps, writes, once)),
    update: (write) => retryConflicts(deps, () => updateOnce(deps, write)),
  };
}

function named(deps: DynamoTableDeps) {
  return { TableName: deps.tableName };
}

/** The key alone: DynamoDB accepts no other attribute there. */
const keyOf = ({ pk, sk }: Key): { pk: string; sk: string } => ({ pk, sk });
const nameOf = ({ pk, sk }: Key): string => `${pk}\n${sk}`;

async function getMany(deps: DynamoTableDeps, given: readonly Key[]): Promise<readonly Item[]> {
  // An index that changes while it is read can name an item twice, and DynamoDB refuses a key given twice.
  const keys = [...new Map(given.map((key) => [nameOf(key), key])).values()];
  const found = new Map<string, Item>();
  for (let start = 0; start < keys.length; start += BATCH) {
    let wanted: readonly Key[] = keys.slice(start, start + BATCH);
    for (let round = 0; wanted.length > 0; round++) {
      if (round > 0) await (deps.sleep ?? sleep)(waitMs(deps, round));
      const request = { Keys: wanted.map(keyOf), ConsistentRead: true };
      const answer = await deps.client.send(
        new BatchGetCommand({ RequestItems: { [deps.tableName]: request } }),
      );
      const items = (answer.Responses?.[deps.tableName] ?? []) as Item[];
      for (const item of items) found.set(nameOf(item), item);
      wanted = (answer.UnprocessedKeys?.[deps.tableName]?.Keys ?? []) as Key[];
    }
  }
  return keys.flatMap((key) => found.get(nameOf(key)) ?? []);
}

async function* pages(
  deps: DynamoTableDeps,
  input: Omit<QueryCommandInput, 'TableName'>,
): AsyncGenerator<{ readonly items: Item[]; readonly count: number }> {
  let start: QueryCommandInput['ExclusiveStartKey'];
  do {
    const page = await deps.client.send(
      new QueryCommand({ ...named(deps), ...input, ExclusiveStartKey: start }),
    );
    yield { items: (page.Items ?? []) as Item[], count: page.Count ?? 0 };
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
}

function keyCondition(names: readonly [string, string], query: KeyQuery) {
  const [pk, sk] = names;
  const bounded = query.from !== undefined || query.to !== undefined;
  return {
    KeyConditionExpression: bounded ? `${pk} = :pk AND ${sk} BETWEEN :from AND :to` : `${pk} = :pk`,
    ExpressionAttributeValues: {
      ':pk': query.pk,
      ...(bounded && { ':from': query.from ?? ' ', ':to': query.to ?? '\u{10ffff}' }),
    },
    ScanIndexForward: query.newestFirst !== true,
    ...(query.having && { FilterExpression: `attribute_exists(${query.having})` }),
  };
}

/** DynamoDB refuses bounds that nothing lies between. */
function isEmptyRange({ from, to }: KeyQuery): boolean {
  return from !== undefined && to !== undefined && from > to;
}

async function* queryItems(deps: DynamoTableDeps, query: KeyQuery): AsyncGenerator<Item> {
  if (isEmptyRange(query)) return;
  const { partitionKey, sortKey } = TABLE_SCHEMA;
  const keys = keyCondition([partitionKey, sortKey], query);
  const input = { ...keys, ...defined({ Limit: query.pageSize }), ConsistentRead: true };
  for await (const page of pages(deps, input)) yield* page.items;
}

function indexKeys(name: IndexName): readonly [string, string] {
  return [`${name}Pk`, `${name}Sk`];
}

async function* queryIndex(
  deps: DynamoTableDeps,
  index: IndexName,
  query: KeyQuery,
  pageSize: number,
): AsyncGenerator<IndexedKey> {
  if (isEmptyRange(query)) return;
  const names = indexKeys(index);
  const input = { ...keyCondition(names, query), IndexName: index, Limit: pageSize };
  for await (const page of pages(deps, input)) {
    for (const item of page.items) {
      yield { pk: item.pk, sk: item.sk, indexSk: String(item[names[1]]) };
    }
  }
}

async function countIndex(
  deps: DynamoTableDeps,
  index: IndexName,
  pk: string,
  without: string | undefined,
): Promise<number> {
  const input = {
    ...keyCondition(indexKeys(index), { pk }),
    IndexName: index,
    ...(without && { FilterExpression: `attribute_not_exists(${without})` }),
    Select: 'COUNT' as const,
  };
  let count = 0;
  for await (const page of pages(deps, input)) count += page.count;
  return count;
}

/** `#` names are spelled out here, so that reserved words can be used in expressions. */
function expressions(write: Conditional, text = '') {
  const names = `${write.condition ?? ''} ${text}`.match(/#\w+/g) ?? [];
  return {
    ...defined({ ConditionExpression: write.condition }),
    ...(names.length > 0 && {
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [name, name.slice(1)])),
    }),
    ...defined({ ExpressionAttributeValues: write.values }),
  };
}

function toTransacted(deps: DynamoTableDeps, write: Write): Transacted {
  if ('put' in write) return { Put: { ...named(deps), Item: write.put, ...expressions(write) } };
  if ('delete' in write) {
    return { Delete: { ...named(deps), Key: keyOf(write.delete), ...expressions(write) } };
  }
  return {
    Update: {
      ...named(deps),
      Key: keyOf(write.update),
      UpdateExpression: write.expression,
      ...expressions(write, write.expression),
    },
  };
}

/** A single write needs no transaction, which would cost twice as much, unless it has to know itself again. */
async function writeAll(
  deps: DynamoTableDeps,
  writes: readonly Write[],
  once: 'once' | undefined,
): Promise<boolean> {
  const transacted = writes.map((write) => toTransacted(deps, write));
  const [only] = transacted;
  try {
    if (transacted.length > 1 || once !== undefined) {
      await deps.client.send(new TransactWriteCommand({ TransactItems: transacted }));
    } else if (only?.Put !== undefined) await deps.client.send(new PutCommand(only.Put));
    else if (only?.Delete !== undefined) await deps.client.send(new DeleteCommand(only.Delete));
    else if (only?.Update !== undefined) await deps.client.send(new UpdateCommand(only.Update));
    return true;
  } catch (error) {
    if (isConditionFailure(error)) return false;
    throw error;
  }
}

async function updateOnce(
  deps: DynamoTableDeps,
  write: Extract<Write, { update: Key }>,
): Promise<Item | undefined> {
  const { Update: input } = toTransacted(deps, write);
  if (input === undefined) return undefined;
  try {
    const command = new UpdateCommand({ ...input, ReturnValues: 'ALL_NEW' });
    return (await deps.client.send(command)).Attributes as Item | undefined;
  } catch (error) {
    if (isConditionFailure(error)) return undefined;
    throw error;
  }
}

async function retryConflicts<T>(deps: DynamoTableDeps, act: () => Promise<T>): Promise<T> {
  for (let conflicts = 1; ; conflicts++) {
    try {
      return await act();
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (conflicts === MAX_CONFLICTS) {
        throw new AppError(
          'unavailable',
          'Too many simultaneous writes to one account. Try again.',
          {
            cause: error,
            retryable: true,
          },
        );
      }
    }
    await (deps.sleep ?? sleep)(waitMs(deps, conflicts));
  }
}

function waitMs(deps: DynamoTableDeps, round: number): number {
  return (deps.random ?? Math.random)() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** round);
}
