import { makeSqliteStores } from '../helpers/stores.ts';
import { describeJobStore } from './job-store.ts';
import { describeKeyStore } from './key-store.ts';
import { describeLedger } from './ledger.ts';
import { describeOutbox } from './outbox.ts';

describeJobStore('SQLite', makeSqliteStores);
describeLedger('SQLite', makeSqliteStores);
describeKeyStore('SQLite', makeSqliteStores);
describeOutbox('SQLite', makeSqliteStores);
