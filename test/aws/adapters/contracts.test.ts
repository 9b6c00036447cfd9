import { createDynamoStores } from '#shared/adapters/aws/dynamo-stores.ts';
import { describeCreditModel } from '../../contract/credit-model.ts';
import { describeJobStore } from '../../contract/job-store.ts';
import { describeKeyStore } from '../../contract/key-store.ts';
import { describeLedger } from '../../contract/ledger.ts';
import { describeOutbox } from '../../contract/outbox.ts';
import { createTestTable } from '../../helpers/aws-stand-ins.ts';
import type { MakeStores } from '../../helpers/stores.ts';

const makeStores: MakeStores = async ({ clock, randomBytes }) => {
  const table = await createTestTable();
  const stores = createDynamoStores({ table, clock, randomBytes, waitingLineMs: 0 });
  return { ...stores, close: async () => {} };
};

describeCreditModel('DynamoDB', makeStores);
describeJobStore('DynamoDB', makeStores);
describeLedger('DynamoDB', makeStores);
describeKeyStore('DynamoDB', makeStores);
describeOutbox('DynamoDB', makeStores);
