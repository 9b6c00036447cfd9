import type { ApiKey, AuditEntry } from '#shared/core/account.ts';
import { defined } from '#shared/core/defined.ts';
import type { AccountId, KeyId } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';
import { changedKey, type KeyStore } from '#shared/service/ports/key-store.ts';
import type { DynamoTable, Item, Key, Write } from './dynamo-table.ts';
import { auditWrite } from './ledger-item.ts';
import { itemKeys } from './item-keys.ts';
import { AFTER } from './table-schema.ts';

interface KeyItem extends Item {
  readonly version: number;
  readonly key: ApiKey;
  /** Beside the key, so that noting it is no change of the key. */
  readonly lastUsedAt?: number;
}

/** API keys in DynamoDB; an account's own partition lists their ids. */
export function createDynamoKeyStore(table: DynamoTable): KeyStore {
  const read = async (id: KeyId) => (await table.get(itemKeys.apiKey(id))) as KeyItem | undefined;
  return {
    create: async (key, audit) => {
      await table.write([...keyWrites(key), auditWrite(audit)]);
    },
    get: async (id) => {
      const item = await read(id);
      return item && toKey(item);
    },
    list: (account) => list(table, account),
    update: async (id, change, audit) => {
      for (;;) {
        const item = await read(id);
        if (item === undefined || item.key.revokedAt !== undefined) return undefined;
        const key = changedKey(toKey(item), change);
        const { lastUsedAt } = item;
        const put = {
          ...itemKeys.apiKey(id),
          version: item.version + 1,
          key,
          ...defined({ lastUsedAt }),
        };
        const values = { ':version': item.version };
        const written = await table.write([
          { put, condition: 'version = :version', values },
          auditWrite(audit),
        ]);
        if (written) return key;
      }
    },
    spent: async (budgetKey, period) =>
      microUsd(Number((await table.get(itemKeys.spend(budgetKey, period)))?.['spent'] ?? 0)),
    noteUse: async (id, at) => {
      await table.write([
        {
          update: itemKeys.apiKey(id),
          expression: 'SET lastUsedAt = :at',
          condition:
            'attribute_exists(pk) AND (attribute_not_exists(lastUsedAt) OR lastUsedAt < :at)',
          values: { ':at': at },
        },
      ]);
    },
    audit: (account, limit, before) => audit(table, account, limit, before),
  };
}

/** A new key, and its place among its account's. */
export function keyWrites(key: ApiKey): readonly Write[] {
  return [
    {
      put: { ...itemKeys.apiKey(key.id), version: 0, key },
      condition: 'attribute_not_exists(pk)',
    },
    { put: { ...itemKeys.keyOfAccount(key.account, key.id), key: key.id } },
  ];
}

/** Items written before keys named their budget's key as jobs do call it `root`. */
function toKey({ key, lastUsedAt }: KeyItem): ApiKey {
  const { root, ...rest } = key as ApiKey & { readonly root?: KeyId };
  return { ...defined({ budgetKey: root }), ...rest, ...defined({ lastUsedAt }) };
}

async function list(table: DynamoTable, account: AccountId): Promise<readonly ApiKey[]> {
  const { pk, sk } = itemKeys.keyOfAccount(account, '' as KeyId);
  const keys: Key[] = [];
  for await (const item of table.query({ pk, from: sk, to: sk + AFTER })) {
    keys.push(itemKeys.apiKey(item['key'] as KeyId));
  }
  const items = (await table.getMany(keys)) as readonly KeyItem[];
  return items.map(toKey).sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
}

async function audit(
  table: DynamoTable,
  account: AccountId,
  limit: number,
  before?: string,
): Promise<readonly AuditEntry[]> {
  const { pk, sk } = itemKeys.audit(account, '');
  const to = before === undefined ? sk + AFTER : sk + before;
  const found: AuditEntry[] = [];
  for await (const item of table.query({ pk, from: sk, to, newestFirst: true })) {
    const entry = item['entry'] as AuditEntry;
    if (found.length === limit) break;
    if (entry.id !== before) found.push(entry);
  }
  return found;
}
