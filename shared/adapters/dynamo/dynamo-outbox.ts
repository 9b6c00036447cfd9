import { defined } from '#shared/core/defined.ts';
import { createLaneFilter, type LaneRoom } from '#shared/core/delivery-lanes.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { DeliveryAttempt, OutboxEntry } from '#shared/core/outbox.ts';
import {
  type AttemptResult,
  type EndpointHealth,
  MOST_RECEIVERS,
  type Outbox,
  type WebhookSettings,
} from '#shared/service/ports/outbox.ts';
import { type DeliveryItem, deliveryWrites, toDeliveryItem } from './delivery-item.ts';
import type { DynamoTable, Item, Key, Write } from './dynamo-table.ts';
import { indexKeys, itemKeys } from './item-keys.ts';
import { AFTER, sortable, ttlOf } from './table-schema.ts';

const PAGE = 100;

/** Webhook deliveries in DynamoDB. */
interface Keeping {
  readonly now: () => number;
  /** How long entries are kept once they are over, their attempts, and what is known of receivers. */
  readonly recordMs: number;
}

export function createDynamoOutbox(table: DynamoTable, keeping: Keeping): Outbox {
  const read = async (id: string) =>
    (await table.get(itemKeys.delivery(id))) as DeliveryItem | undefined;
  return {
    get: async (id) => (await read(id))?.entry,
    add: async (entry) => {
      await table.write(await deliveryWrites(table, [entry]));
    },
    claimDue: (now, hideUntil, limit, room) => claimDue(table, now, hideUntil, limit, room),
    recordAttempt: (attempt, result) => recordAttempt(table, keeping, attempt, result),
    requeue: async (id, nextAttemptAt) => {
      for (;;) {
        const item = await read(id);
        if (item === undefined || item.entry.nextAttemptAt !== undefined) return undefined;
        if (item.entry.url === '') return undefined;
        const entry = { ...pending(item.entry), nextAttemptAt };
        if (await table.write([replaceDelivery(item, entry)], 'once')) return entry;
      }
    },
    listByJob: (job) =>
      list(table, table.queryIndex('queue', { pk: indexKeys.deliveriesOfJob(job) }, PAGE)),
    listByAccount: async (account, limit, before) => {
      const last = before === undefined ? undefined : (await read(before))?.['ownedSk'];
      const query = {
        pk: indexKeys.deliveriesOf(account),
        ...(last !== undefined && { to: String(last) }),
        newestFirst: true,
      };
      const keys = without(table.queryIndex('owned', query, Math.min(PAGE, limit + 1)), before);
      return list(table, keys, limit);
    },
    attempts: async (entry) => {
      const { pk } = itemKeys.attempt(entry, 0);
      const found: DeliveryAttempt[] = [];
      for await (const item of table.query({ pk, from: 'ATTEMPT#', to: `ATTEMPT#${AFTER}` })) {
        found.push(item['attempt'] as DeliveryAttempt);
      }
      return found;
    },
    ...createReceivers(table, keeping),
  };
}

/** Secrets and health: what is known about an account's receivers. */
function createReceivers(
  table: DynamoTable,
  { now, recordMs }: Keeping,
): Pick<Outbox, 'getSettings' | 'putSettings' | 'getHealth' | 'putHealth' | 'listHealth'> {
  const healthKey = (account: AccountId, url: string) =>
    itemKeys.webhookHealth(account, sha256Hex(url));
  return {
    getSettings: async (account) =>
      (await table.get(itemKeys.webhookSettings(account)))?.['settings'] as
        | WebhookSettings
        | undefined,
    putSettings: (settings, expected) =>
      table.write([
        {
          put: { ...itemKeys.webhookSettings(settings.account), settings },
          ...(expected === undefined
            ? { condition: 'attribute_not_exists(pk)' }
            : { condition: 'settings = :expected', values: { ':expected': expected } }),
        },
      ]),
    getHealth: async (account, url) =>
      (await table.get(healthKey(account, url)))?.['health'] as EndpointHealth | undefined,
    putHealth: async (account, health) => {
      const ttl = ttlOf(now() + recordMs);
      await table.write([{ put: { ...healthKey(account, health.url), health, ttl } }]);
    },
    listHealth: async (account) => {
      const { pk, sk } = itemKeys.webhookHealth(account, '');
      const found: EndpointHealth[] = [];
      for await (const item of table.query({ pk, from: sk, to: sk + AFTER })) {
        found.push(item['health'] as EndpointHealth);
        if (found.length === MOST_RECEIVERS) break;
      }
      return found.sort((a, b) => (a.url < b.url ? -1 : 1));
    },
  };
}

function replaceDelivery(
  read: DeliveryItem,
  entry: OutboxEntry,
  visibleAt?: number,
): Extract<Write, { put: Item }> {
  return {
    put: {
      ...toDeliveryItem(entry, read.version + 1, visibleAt ?? entry.nextAttemptAt),
      ...defined({ erased: read.erased }),
    },
    condition: 'version = :version',
    values: { ':version': read.version },
  };
}

/** An entry as it is while it waits: neither delivered nor given up. */
function pending(entry: OutboxEntry): OutboxEntry {
  const { deliveredAt: _, abandonedAt: __, nextAttemptAt: ___, ...rest } = entry;
  return rest;
}

async function claimDue(
  table: DynamoTable,
  now: number,
  hideUntil: number,
  limit: number,
  room?: LaneRoom,
): Promise<readonly OutboxEntry[]> {
  const claimed: OutboxEntry[] = [];
  const fits = room === undefined ? () => true : createLaneFilter(room);
  const query = { pk: indexKeys.dueDeliveries, to: sortable(now) + AFTER };
  for await (const key of table.queryIndex('due', query, Math.min(limit, PAGE))) {
    const item = (await table.get(key)) as DeliveryItem | undefined;
    if (item === undefined || !isDue(item, now) || !fits(item.entry)) continue;
    const hidden = replaceDelivery(item, item.entry, hideUntil);
    if (await table.write([hidden], 'once')) claimed.push(item.entry);
    if (claimed.length === limit) break;
  }
  return claimed;
}

/** The index lags: another worker may have hidden the entry since. */
function isDue(item: DeliveryItem, now: number): boolean {
  return typeof item['dueSk'] === 'string' && item['dueSk'] <= sortable(now) + AFTER;
}

async function recordAttempt(
  table: DynamoTable,
  { recordMs }: Keeping,
  attempt: DeliveryAttempt,
  result: AttemptResult,
): Promise<void> {
  for (;;) {
    const item = (await table.get(itemKeys.delivery(attempt.entry))) as DeliveryItem | undefined;
    if (item === undefined) return;
    const after = afterAttempt(item.entry, attempt, result);
    const isOver = after.nextAttemptAt === undefined;
    const entry = isOver && item.erased === true ? { ...after, url: '' } : after;
    const ttl = ttlOf(attempt.at + recordMs);
    const write = replaceDelivery(item, entry);
    const written = await table.write([
      { put: { ...itemKeys.attempt(attempt.entry, attempt.number), attempt, ttl } },
      isOver ? { ...write, put: { ...write.put, ttl } } : write,
    ]);
    if (written) return;
  }
}

function afterAttempt(
  entry: OutboxEntry,
  attempt: DeliveryAttempt,
  result: AttemptResult,
): OutboxEntry {
  const attempts = Math.max(entry.attempts, attempt.number);
  const tried = { ...pending(entry), attempts };
  if (result.next === 'retry') return { ...tried, nextAttemptAt: result.nextAttemptAt };
  const { at } = attempt;
  return result.next === 'delivered'
    ? { ...tried, deliveredAt: at }
    : { ...tried, abandonedAt: at };
}

async function* without(keys: AsyncGenerator<Key>, id: string | undefined): AsyncGenerator<Key> {
  const excluded = id === undefined ? undefined : itemKeys.delivery(id).pk;
  for await (const key of keys) if (key.pk !== excluded) yield key;
}

async function list(
  table: DynamoTable,
  keys: AsyncGenerator<Key>,
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly OutboxEntry[]> {
  const taken: Key[] = [];
  for await (const key of keys) {
    if (taken.length === limit) break;
    taken.push(key);
  }
  const items: readonly Item[] = await table.getMany(taken);
  return items.map((item) => (item as DeliveryItem).entry);
}
