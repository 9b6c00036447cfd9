import { createDynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import { describeAccountHooks } from '#test/contract/account-hooks.ts';
import { describeCreditModel } from '#test/contract/credit-model.ts';
import { describeErasure } from '#test/contract/erasure.ts';
import { describeInvitations } from '#test/contract/invitations.ts';
import { describeJobStore } from '#test/contract/job-store.ts';
import { describeKeyStore } from '#test/contract/key-store.ts';
import { describeLedger } from '#test/contract/ledger.ts';
import { describeOutbox } from '#test/contract/outbox.ts';
import { describeStatements } from '#test/contract/statements.ts';
import { createTestTable } from '#test/helpers/aws-stand-ins.ts';
import type { MakeStores } from '#test/helpers/stores.ts';

const makeWith =
  (options: { readonly grantsInAccount?: number }): MakeStores =>
  async ({ clock, randomBytes }) => {
    const table = await createTestTable();
    const stores = createDynamoStores({ table, clock, randomBytes, waitingLineMs: 0, ...options });
    return { ...stores, close: async () => {} };
  };
const makeStores = makeWith({});

describeAccountHooks('DynamoDB', makeStores);
describeCreditModel('DynamoDB', makeStores);
describeCreditModel('DynamoDB, one grant in its account', makeWith({ grantsInAccount: 1 }));
describeErasure('DynamoDB', makeStores);
describeInvitations('DynamoDB', makeStores);
describeJobStore('DynamoDB', makeStores);
describeLedger('DynamoDB', makeStores);
describeKeyStore('DynamoDB', makeStores);
describeOutbox('DynamoDB', makeStores);
describeStatements('DynamoDB', makeStores);
