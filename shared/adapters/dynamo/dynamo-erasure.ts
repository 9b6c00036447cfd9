import type { Account, AuditEntry } from '#shared/core/account.ts';
import type { AccountId, KeyId } from '#shared/core/ids.ts';
import type { Invitation } from '#shared/core/invitation.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { type Erasure, withoutNotes, withoutWords } from '#shared/service/ports/erasure.ts';
import { type AccountItem, toAccount } from './account-item.ts';
import type { DynamoTable, Item, Key } from './dynamo-table.ts';
import { indexKeys, itemKeys } from './item-keys.ts';
import { auditWrite } from './ledger-item.ts';
import { AFTER } from './table-schema.ts';
import { eraseTags } from './usage-days.ts';

const PAGE = 100;

/** The end of accounts in DynamoDB. Each record is a write of its own: what was done is not found again. */
export function createDynamoErasure(table: DynamoTable): Erasure {
  const read = async (id: AccountId): Promise<Account | undefined> => {
    const item = (await table.get(itemKeys.account(id))) as AccountItem | undefined;
    return item && toAccount(item);
  };

  return {
    async begin(id, at, audit) {
      const known = await read(id);
      if (known === undefined || known.deletedAt !== undefined) return known;
      await table.write([
        {
          update: itemKeys.account(id),
          expression: 'SET #name = :name, deletedAt = :at, disabledAt = :disabledAt',
          condition: 'attribute_exists(pk) AND attribute_not_exists(deletedAt)',
          values: { ':name': '', ':at': at, ':disabledAt': known.disabledAt ?? at },
        },
        { put: { ...itemKeys.erasure(id), account: id } },
        auditWrite(audit),
      ]);
      return read(id);
    },

    async pending() {
      const { pk } = itemKeys.erasure();
      const keys: Key[] = [];
      for await (const item of table.query({ pk })) {
        keys.push(itemKeys.account(item['account'] as AccountId));
      }
      return ((await table.getMany(keys)) as AccountItem[]).map(toAccount);
    },

    eraseRecords: async (id) =>
      (await eraseKeys(table, id)) +
      (await eraseReceivers(table, id)) +
      (await eraseDeliveries(table, id)) +
      (await eraseTags(table, id)) +
      (await eraseWords(table, id)) +
      (await eraseNames(table, id)),

    async end(id, at) {
      await table.write([
        {
          update: itemKeys.account(id),
          expression: 'SET erasedAt = :at',
          condition: 'attribute_exists(pk) AND attribute_not_exists(erasedAt)',
          values: { ':at': at },
        },
        { delete: itemKeys.erasure(id) },
      ]);
    },
  };
}

async function erase(table: DynamoTable, keys: readonly Key[]): Promise<number> {
  for (const { pk, sk } of keys) await table.write([{ delete: { pk, sk } }]);
  return keys.length;
}

async function eraseKeys(table: DynamoTable, id: AccountId): Promise<number> {
  const { pk, sk } = itemKeys.keyOfAccount(id, '' as KeyId);
  let erased = 0;
  for await (const item of table.query({ pk, from: sk, to: sk + AFTER })) {
    // The key first: while its place is there, it is found again.
    erased += await erase(table, [itemKeys.apiKey(item['key'] as KeyId), item]);
  }
  return erased;
}

async function eraseReceivers(table: DynamoTable, id: AccountId): Promise<number> {
  const found: Key[] = [];
  for await (const item of table.query({ pk: itemKeys.webhookSettings(id).pk })) found.push(item);
  return erase(table, found);
}

async function eraseDeliveries(table: DynamoTable, id: AccountId): Promise<number> {
  let erased = 0;
  const query = { pk: indexKeys.deliveriesOf(id) };
  for await (const { pk } of table.queryIndex('owned', query, PAGE)) {
    const parts: Key[] = [];
    for await (const item of table.query({ pk })) parts.push(item);
    // "META", by which it is found, goes after its attempts.
    erased += await erase(table, parts);
  }
  return erased;
}

/** Tags, notes and names beside the figures of ledger, grants and audit log. */
async function eraseWords(table: DynamoTable, id: AccountId): Promise<number> {
  let erased = 0;
  const put = async (item: Item, entry: object | undefined): Promise<void> => {
    if (entry === undefined) return;
    await table.write([
      {
        update: item,
        expression: 'SET #entry = :entry',
        condition: 'attribute_exists(pk)',
        values: { ':entry': entry },
      },
    ]);
    erased++;
  };
  for await (const item of entriesOf(table, itemKeys.ledgerEntry(id, ''))) {
    const entry = item['entry'] as LedgerEntry;
    const { kind, reference } = entry;
    const grant =
      kind === 'grant' && reference !== undefined && withoutNotes(entry) !== undefined
        ? await table.get(itemKeys.grant(reference))
        : undefined;
    // The grant's own copy first: while the ledger's has a note, it is found again.
    if (grant !== undefined) await put(grant, withoutNotes(grant['entry'] as LedgerEntry));
    await put(item, withoutNotes(entry));
  }
  for await (const item of entriesOf(table, itemKeys.audit(id, ''))) {
    await put(item, withoutWords(item['entry'] as AuditEntry));
  }
  return erased;
}

function entriesOf(table: DynamoTable, { pk, sk }: Key): AsyncGenerator<Item> {
  return table.query({ pk, from: sk, to: sk + AFTER });
}

async function eraseNames(table: DynamoTable, id: AccountId): Promise<number> {
  let erased = 0;
  for await (const item of table.query({ pk: itemKeys.invitation().pk })) {
    const invitation = item['invitation'] as Invitation;
    if (invitation.used?.account !== id || invitation.name === '') continue;
    await table.write([{ put: { ...item, invitation: { ...invitation, name: '' } } }]);
    erased++;
  }
  return erased;
}
