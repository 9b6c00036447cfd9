import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createDynamoTable, type DynamoTable } from '#shared/adapters/dynamo/dynamo-table.ts';
import { createMemoryDynamo, type MemoryDynamoOptions } from './memory-dynamo.ts';

/** The single table over DynamoDB in memory. */
export function openMemoryTable(options: MemoryDynamoOptions): DynamoTable {
  const { send } = createMemoryDynamo(options);
  return tableOver(send);
}

/** The single table over a client; between two tries the others have as many turns as milliseconds pass. */
export function tableOver(send: (command: unknown) => Promise<unknown>): DynamoTable {
  const client = { send } as unknown as DynamoDBDocumentClient;
  let waits = 0;
  return createDynamoTable({
    client,
    tableName: 'onestep',
    random: () => (waits++ % 7) / 7,
    async sleep(ms) {
      for (let turn = 0; turn < ms; turn++) await undefined;
    },
  });
}
