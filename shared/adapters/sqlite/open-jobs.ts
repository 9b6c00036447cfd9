import type Database from 'libsql';
import type { Writer } from './group-commit.ts';

/** How many jobs are open, kept in memory: counting 20,000 rows for each admission is too slow. */
export interface OpenJobs {
  count(): number;
  /** To be called last in a write, when nothing of it can fail any more. */
  add(change: 1 | -1): void;
}

export function createOpenJobs(
  db: Database.Database,
  writer: Pick<Writer, 'onRollback'>,
): OpenJobs {
  const select = db.prepare('SELECT count(*) AS count FROM jobs WHERE completed_at IS NULL');
  const read = () => (select.get() as { count: number }).count;
  let count = read();
  writer.onRollback(() => {
    count = read();
  });
  return {
    count: () => count,
    add(change) {
      count += change;
    },
  };
}
