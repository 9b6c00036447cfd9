import { TABLE_SCHEMA } from '#shared/adapters/dynamo/table-schema.ts';
import {
  type Attributes,
  expectAllUsed,
  type Names,
  parseCondition,
  parseUpdate,
  validationError,
} from './expressions.ts';
import { LaggingIndex } from './lagging-index.ts';
import { SortedPlaces } from './sorted-places.ts';

/** A write as the SDK's commands and transactions carry it. */
export interface WriteRequest extends Names {
  readonly Item?: Attributes;
  readonly Key?: Attributes;
  readonly UpdateExpression?: string;
  readonly ConditionExpression?: string;
}

/** A write that was judged and not yet made. */
interface Change {
  readonly item: string;
  readonly holds: boolean;
  /** The item after it. */
  apply(): Attributes | undefined;
}

export interface MemoryTable {
  itemOf(request: Attributes | WriteRequest): string;
  get(key: Attributes): Attributes | undefined;
  getItem(item: string): Attributes | undefined;
  items(): readonly Attributes[];
  prepare(request: WriteRequest): Change;
  /** The places of a partition, of an index where one is named, as far as it has heard. */
  partition(partition: string, index?: string): SortedPlaces['places'];
  index(name: string): LaggingIndex;
  /** How many writes were made. */
  writes(): number;
}

const { partitionKey: PK, sortKey: SK } = TABLE_SCHEMA;
const MOST_BYTES = 400 * 1024;
const NUMBER_BYTES = 21;

/** The items, their order, and what the indexes have of them. */
export function createMemoryTable(options: {
  readonly now: () => number;
  readonly lagMs?: () => number;
}): MemoryTable {
  const items = new Map<string, Attributes>();
  const partitions = new Map<string, SortedPlaces>();
  const indexes = new Map(
    TABLE_SCHEMA.indexes.map((schema) => [schema.name as string, new LaggingIndex(schema)]),
  );
  let writes = 0;
  const index = (name: string): LaggingIndex => {
    const found = indexes.get(name);
    if (found === undefined) throw validationError(`There is no index ${name}`);
    return found;
  };

  const store = (item: string, key: Attributes, after: Attributes | undefined): void => {
    writes++;
    const partition = String(key[PK]);
    const place = { sort: String(key[SK]), item };
    const places = partitions.get(partition) ?? new SortedPlaces();
    partitions.set(partition, places);
    if (after === undefined) {
      items.delete(item);
      places.remove(place);
    } else {
      if (!items.has(item)) places.add(place);
      items.set(item, after);
    }
    const dueAt = options.now() + (options.lagMs?.() ?? 0);
    for (const one of indexes.values()) one.note(item, key, after, dueAt);
  };

  return {
    itemOf,
    get: (key) => items.get(itemOf(key)),
    getItem: (item) => items.get(item),
    items: () => [...items.values()],
    prepare(request) {
      const key = keyOf(request);
      const item = itemOf(request);
      const before = items.get(item);
      const { ConditionExpression: condition, UpdateExpression: update } = request;
      expectAllUsed(request, [condition, update]);
      const holds = condition === undefined || parseCondition(condition)(before, request);
      const after = !holds ? undefined : afterWrite(request, key, before);
      return {
        item,
        holds,
        apply() {
          store(item, key, after);
          return after;
        },
      };
    },
    partition(partition, name) {
      if (name === undefined) return partitions.get(partition)?.places ?? [];
      const found = index(name);
      found.hear(options.now());
      return found.places(partition) as SortedPlaces['places'];
    },
    index,
    writes: () => writes,
  };
}

function keyOf(request: WriteRequest): Attributes {
  const { [PK]: pk, [SK]: sk, ...rest } = request.Item ?? request.Key ?? {};
  if (typeof pk !== 'string' || typeof sk !== 'string' || pk === '' || sk === '') {
    throw validationError('One of the required keys was not given a value');
  }
  if (request.Item === undefined && Object.keys(rest).length > 0) {
    throw validationError('The provided key element does not match the schema');
  }
  return { [PK]: pk, [SK]: sk };
}

function itemOf(request: Attributes | WriteRequest): string {
  const key = ((request as WriteRequest).Item ??
    (request as WriteRequest).Key ??
    request) as Attributes;
  return `${key[PK]}\n${key[SK]}`;
}

function afterWrite(
  request: WriteRequest,
  key: Attributes,
  before: Attributes | undefined,
): Attributes | undefined {
  const { Item, UpdateExpression } = request;
  if (Item !== undefined) return frozenCopy(Item);
  if (UpdateExpression === undefined) return undefined;
  const after: Record<string, unknown> = { ...(before ?? key) };
  for (const change of parseUpdate(UpdateExpression)) change(before ?? key, after, request);
  return frozenCopy(after);
}

/** What is stored has no `undefined`, is of the size allowed, fits the indexes, and nobody changes it. */
function frozenCopy(item: Attributes): Attributes {
  const copy = stored(item);
  if (sizeOf(copy) > MOST_BYTES) throw validationError('Item size has exceeded the maximum');
  for (const { partitionKey, sortKey } of TABLE_SCHEMA.indexes) {
    for (const name of [partitionKey, sortKey]) {
      const value = copy[name];
      if (value !== undefined && (typeof value !== 'string' || value === '')) {
        throw validationError(`${name} is a key of an index: a text that is not empty`);
      }
    }
  }
  return copy;
}

/** The sizes of the lists and objects that are stored: these are never copied again. */
const sizes = new WeakMap<object, number>();

function stored<T>(value: T): T {
  if (typeof value !== 'object' || value === null || sizes.has(value)) return value;
  const copy = (Array.isArray(value) ? [] : {}) as T & object;
  let size = 0;
  for (const name in value) {
    const member = stored(value[name]);
    if (member === undefined) continue;
    copy[name] = member;
    size += name.length + sizeOf(member);
  }
  sizes.set(copy, size);
  return Object.freeze(copy);
}

/** About what DynamoDB counts: texts by their length, numbers as much as the longest. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value === 'object' && value !== null) return sizes.get(value) ?? 0;
  return NUMBER_BYTES;
}
