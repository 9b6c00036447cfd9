import { createCachedJobStore } from '#shared/service/cached-job-store.ts';
import { makeSqliteStores } from '#test/helpers/stores.ts';
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

describeAccountHooks('SQLite', makeSqliteStores);
describeAutoTopups('SQLite', makeSqliteStores);
describeCreditModel('SQLite', makeSqliteStores);
describeErasure('SQLite', makeSqliteStores);
describeInvitations('SQLite', makeSqliteStores);
describeJobStore('SQLite', makeSqliteStores);
describeJobStore('SQLite behind the memory of the server', async (deps) => {
  const stores = await makeSqliteStores(deps);
  return { ...stores, jobs: createCachedJobStore(stores.jobs) };
});
describeLedger('SQLite', makeSqliteStores);
describeKeyStore('SQLite', makeSqliteStores);
describeOutbox('SQLite', makeSqliteStores);
describeStatements('SQLite', makeSqliteStores);
