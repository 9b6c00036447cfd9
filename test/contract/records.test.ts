import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import { openSqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { createMemoryDynamo } from '#test/helpers/memory-dynamo/memory-dynamo.ts';
import { tableOver } from '#test/helpers/memory-dynamo/open-memory-table.ts';
import { DAY } from '#test/helpers/samples.ts';
import { describeRecords } from './records.ts';

describeRecords('SQLite', async (deps) => {
  const folder = await mkdtemp(join(tmpdir(), 'onestep-records-'));
  const stores = openSqliteStores({ folder, synchronous: 'normal', ...deps });
  const close = async () => {
    stores.close();
    await rm(folder, { recursive: true });
  };
  return {
    stores: { ...stores, close },
    async forget() {
      while ((await stores.records.removeBefore(deps.clock.now() - 90 * DAY, 1)) > 0);
    },
  };
});

describeRecords('DynamoDB in memory', async (deps) => {
  const memory = createMemoryDynamo({ now: deps.clock.now });
  const table = tableOver(memory.send);
  const stores = { ...createDynamoStores({ table, ...deps }), close: () => undefined };
  return {
    stores,
    /** As DynamoDB does it, some time after it is due. */
    async forget() {
      const now = deps.clock.now() / 1000;
      for (const item of memory.table.items()) {
        if (Number(item['ttl'] ?? Number.POSITIVE_INFINITY) > now) continue;
        await table.write([{ delete: { pk: String(item['pk']), sk: String(item['sk']) } }]);
      }
    },
  };
});
