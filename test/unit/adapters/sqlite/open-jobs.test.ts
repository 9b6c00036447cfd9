import Database from 'libsql';
import { expect, test } from 'vitest';
import { createOpenJobs } from '#shared/adapters/sqlite/open-jobs.ts';
import { migrate } from '#shared/adapters/sqlite/schema.ts';
import { ACCOUNT, OTHER_ACCOUNT } from '#test/helpers/samples.ts';

test('the number of open jobs is read anew when a transaction was taken back', () => {
  const db = new Database(':memory:');
  migrate(db);
  let rollBack = () => {};
  const open = createOpenJobs(db, {
    onRollback: (listener) => {
      rollBack = listener;
    },
  });
  expect(open.count()).toBe(0);
  open.add(1, ACCOUNT);
  open.add(1, OTHER_ACCOUNT);
  open.add(1, OTHER_ACCOUNT);
  open.add(-1, OTHER_ACCOUNT);
  expect([open.count(), open.count(ACCOUNT), open.count(OTHER_ACCOUNT)]).toEqual([2, 1, 1]);
  rollBack();
  expect([open.count(), open.count(ACCOUNT)]).toEqual([0, 0]);
});
