import type { AccountHook } from '#shared/core/account-hook.ts';
import type { AccountHooks } from '#shared/service/ports/account-hooks.ts';
import { deliveryWrites } from './delivery-item.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { itemKeys } from './item-keys.ts';

/** Accounts' hooks in DynamoDB: one partition, since only some accounts have one and the sweep reads all. */
export function createDynamoAccountHooks(table: DynamoTable): AccountHooks {
  return {
    get: async (account) =>
      (await table.get(itemKeys.accountHook(account)))?.['hook'] as AccountHook | undefined,

    async list() {
      const { pk } = itemKeys.accountHook();
      const hooks: AccountHook[] = [];
      for await (const item of table.query({ pk })) hooks.push(item['hook'] as AccountHook);
      return hooks;
    },

    async put(hook, outbox) {
      const item = { ...itemKeys.accountHook(hook.account), version: hook.version, hook };
      return table.write([
        hook.version === 1
          ? { put: item, condition: 'attribute_not_exists(pk)' }
          : {
              put: item,
              condition: '#version = :before',
              values: { ':before': hook.version - 1 },
            },
        ...(await deliveryWrites(table, outbox)),
      ]);
    },

    remove: (account) =>
      table.write([{ delete: itemKeys.accountHook(account), condition: 'attribute_exists(pk)' }]),
  };
}
