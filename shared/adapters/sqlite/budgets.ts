import type Database from 'libsql';
import type { KeyId } from '#shared/core/ids.ts';
import { budgetKeyOfJob, type Job } from '#shared/core/job.ts';
import { type MicroUsd, microUsd } from '#shared/core/money.ts';

type BudgetedJob = Pick<Job, 'key' | 'budgetKey' | 'budgetDay' | 'budgetMonth'>;

/** Most keys that are remembered; those that were forgotten are looked for again. */
const MOST_KEYS = 10_000;

/** What keys have spent or hold per UTC day and month, for use inside a transaction. */
export function createBudgets(db: Database.Database) {
  const select = db.prepare('SELECT spent FROM budgets WHERE key = ? AND period = ?');
  const put = db.prepare(
    'INSERT INTO budgets (key, period, spent) VALUES (?1, ?2, ?4), (?1, ?3, ?4) ' +
      'ON CONFLICT (key, period) DO UPDATE SET spent = spent + excluded.spent',
  );
  const take = db.prepare(
    'UPDATE budgets SET spent = spent - ? WHERE key = ? AND period IN (?, ?)',
  );
  const purge = db.prepare('DELETE FROM budgets WHERE key = ? AND period < ?');
  /** The day on which a key's old periods were looked for last. */
  const purged = new Map<KeyId, string>();
  return {
    spent(key: KeyId, period: string): MicroUsd {
      const row = select.get(key, period) as { spent: number } | undefined;
      return microUsd(row?.spent ?? 0);
    },
    /** Counts a hold; a key's first of a day, in this process, removes what is older than a year. */
    add(job: BudgetedJob, amount: MicroUsd): void {
      const key = budgetKeyOfJob(job);
      if (purged.get(key) !== job.budgetDay) {
        purge.run(key, yearBefore(job.budgetMonth));
        if (purged.size >= MOST_KEYS) purged.clear();
        purged.set(key, job.budgetDay);
      }
      put.run([key, job.budgetDay, job.budgetMonth, amount]);
    },
    /** Gives back what a hold counted and was not captured. */
    giveBack(job: BudgetedJob, amount: MicroUsd): void {
      if (amount > 0) take.run(amount, budgetKeyOfJob(job), job.budgetDay, job.budgetMonth);
    },
  };
}

/** Far behind every open job, whose hold may still be given back, even if the clock has leapt. */
function yearBefore(month: string): string {
  return `${Number(month.slice(0, 4)) - 1}${month.slice(4)}`;
}
