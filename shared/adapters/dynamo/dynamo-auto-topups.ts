import type { AutoTopup } from '#shared/core/auto-topup.ts';
import type { AutoTopups } from '#shared/service/ports/auto-topups.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { itemKeys } from './item-keys.ts';

/** Accounts that buy credit by themselves, in DynamoDB. */
export function createDynamoAutoTopups(table: DynamoTable): AutoTopups {
  return {
    get: async (account) =>
      (await table.get(itemKeys.autoTopup(account)))?.['topup'] as AutoTopup | undefined,

    put: (topup) => {
      const item = { ...itemKeys.autoTopup(topup.account), version: topup.version, topup };
      const write =
        topup.version === 1
          ? { put: item, condition: 'attribute_not_exists(pk)' }
          : {
              put: item,
              condition: '#version = :before',
              values: { ':before': topup.version - 1 },
            };
      return table.write([write], 'once');
    },

    remove: (account) =>
      table.write([{ delete: itemKeys.autoTopup(account), condition: 'attribute_exists(pk)' }]),
  };
}
