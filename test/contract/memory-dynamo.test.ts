import { createDynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import { createLeasedRateLimiter } from '#shared/adapters/dynamo/leased-rate-limiter.ts';
import { createRateRows } from '#shared/adapters/dynamo/rate-rows.ts';
import { openMemoryTable } from '#test/helpers/memory-dynamo/open-memory-table.ts';
import type { MakeStores } from '#test/helpers/stores.ts';
import { describeAccountHooks } from './account-hooks.ts';
import { describeAutoTopups } from './auto-topups.ts';
import { describeCreditModel } from './credit-model.ts';
import { describeErasure } from './erasure.ts';
import { describeInvitations } from './invitations.ts';
import { describeJobStore } from './job-store.ts';
import { describeKeyStore } from './key-store.ts';
import { describeLedger } from './ledger.ts';
import { describeOutbox } from './outbox.ts';
import { describeStatements } from './statements.ts';
import { describeRateLimiter, describeSharedRateLimiters } from './rate-limiter.ts';

/** The stores over a table in memory, which `test/aws` holds against DynamoDB Local. */
const makeStores: MakeStores = async ({ clock, randomBytes }) => {
  const table = openMemoryTable({ now: clock.now });
  const stores = createDynamoStores({ table, clock, randomBytes, waitingLineMs: 0 });
  return { ...stores, close: async () => {} };
};

describeAccountHooks('DynamoDB in memory', makeStores);
describeAutoTopups('DynamoDB in memory', makeStores);
describeCreditModel('DynamoDB in memory', makeStores);
describeCreditModel(
  'DynamoDB in memory, one grant in its account',
  async ({ clock, randomBytes }) => {
    const table = openMemoryTable({ now: clock.now });
    const deps = { table, clock, randomBytes, waitingLineMs: 0, grantsInAccount: 1 };
    return { ...createDynamoStores(deps), close: async () => {} };
  },
);
describeErasure('DynamoDB in memory', makeStores);
describeInvitations('DynamoDB in memory', makeStores);
describeJobStore('DynamoDB in memory', makeStores);
describeLedger('DynamoDB in memory', makeStores);
describeKeyStore('DynamoDB in memory', makeStores);
describeOutbox('DynamoDB in memory', makeStores);
describeStatements('DynamoDB in memory', makeStores);
describeRateLimiter('tokens leased from DynamoDB in memory', (clock) =>
  createLeasedRateLimiter({ rows: createRateRows(openMemoryTable({ now: clock.now })), clock }),
);
describeSharedRateLimiters('tokens leased from DynamoDB in memory', async (count, clock) => {
  const rows = createRateRows(openMemoryTable({ now: clock.now }));
  return Array.from({ length: count }, () => createLeasedRateLimiter({ rows, clock }));
});
