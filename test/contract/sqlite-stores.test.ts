import { makeSqliteStores } from '../helpers/stores.ts';
import { describeJobStore } from './job-store.ts';

describeJobStore('SQLite', makeSqliteStores);
