import { makeSqliteStores } from '../helpers/stores.ts';
import { describeCreditModel } from './credit-model.ts';
import { describeJobStore } from './job-store.ts';
import { describeKeyStore } from './key-store.ts';
import { describeLedger } from './ledger.ts';
import { describeOutbox } from './outbox.ts';

describeCreditModel('SQLite', makeSqliteStores);
describeJobStore('SQLite', makeSqliteStores);
describeLedger('SQLite', makeSqliteStores);
describeKeyStore('SQLite', makeSqliteStores);
describeOutbox('SQLite', makeSqliteStores);
