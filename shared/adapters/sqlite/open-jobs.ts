import type Database from 'libsql';
import type { AccountId } from '#shared/core/ids.ts';
import type { Writer } from './group-commit.ts';

/** How many jobs are open, kept in memory: counting 20,000 rows for each admission is too slow. */
export interface OpenJobs {
  /** Of one account, or of all. */
  count(account?: AccountId): number;
  /** To be called last in a write, when nothing of it can fail any more. */
  add(change: number, account: AccountId): void;
}

export function createOpenJobs(
  db: Database.Database,
  writer: Pick<Writer, 'onRollback'>,
): OpenJobs {
  // By itself it would go through every job that ever was, in the order of the accounts.
  const select = db.prepare(
    'SELECT account, count(*) AS count FROM jobs INDEXED BY jobs_due ' +
      'WHERE completed_at IS NULL GROUP BY account',
  );
  const read = () => {
    const rows = select.all() as { account: AccountId; count: number }[];
    return new Map(rows.map(({ account, count }) => [account, count]));
  };
  const sum = () => [...counts.values()].reduce((total, count) => total + count, 0);
  let counts = read();
  let all = sum();
  writer.onRollback(() => {
    counts = read();
    all = sum();
  });
  return {
    count: (account) => (account === undefined ? all : (counts.get(account) ?? 0)),
    add(change, account) {
      all += change;
      counts.set(account, (counts.get(account) ?? 0) + change);
    },
  };
}
