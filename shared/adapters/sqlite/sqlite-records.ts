import type Database from 'libsql';
import { toIso } from '#shared/core/clock.ts';
import type { RandomBytes } from '#shared/core/ids.ts';
import type { Records } from '#shared/service/ports/records.ts';
import { createLedgerCompaction } from './compact-ledger.ts';
import type { Writer } from './group-commit.ts';

/** Budgets are read for a month, and hold back what an open prediction may still give back. */
const BUDGET_MS = 366 * 24 * 3_600_000;

/** Old rows go in transactions of a few milliseconds each; the file keeps their pages for new ones. */
export function createSqliteRecords(
  db: Database.Database,
  writer: Writer,
  { randomBytes }: { readonly randomBytes: RandomBytes },
): Records {
  const compact = createLedgerCompaction(db, randomBytes);
  const removeJobs = db.prepare(
    'DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE data_removed_at IS NOT NULL ' +
      'AND completed_at < ? ORDER BY completed_at LIMIT ?)',
  );
  const selectEntries = db.prepare(
    'SELECT id FROM outbox WHERE next_attempt_at IS NULL AND created_at < ? ' +
      'ORDER BY created_at LIMIT ?',
  );
  const removeEntry = db.prepare('DELETE FROM outbox WHERE id = ?');
  const removeAttempts = db.prepare('DELETE FROM delivery_attempts WHERE entry = ?');
  const removeHealth = db.prepare(
    'DELETE FROM webhook_health WHERE (account, url) IN (SELECT account, url FROM webhook_health ' +
      'WHERE changed_at < ? ORDER BY changed_at LIMIT ?)',
  );
  const nextKey = db.prepare('SELECT key FROM budgets WHERE key > ? ORDER BY key LIMIT 1');
  const removeBudgets = db.prepare('DELETE FROM budgets WHERE key = ? AND period < ?');
  /** Keys are looked through a few at a time: those in use tidy up after themselves. */
  let lastKey = '';

  const removeOldBudgets = (before: number, limit: number): number => {
    const period = toIso(Math.max(0, before)).slice(0, 7);
    let removed = 0;
    for (let looked = 0; looked < limit; looked++) {
      const next = nextKey.get(lastKey) as { key: string } | undefined;
      lastKey = next?.key ?? '';
      if (next === undefined) break;
      removed += removeBudgets.run(next.key, period).changes;
    }
    return removed;
  };

  const removeDeliveries = (before: number, limit: number): number => {
    const entries = selectEntries.all(before, limit) as { id: string }[];
    for (const { id } of entries) {
      removeAttempts.run(id);
      removeEntry.run(id);
    }
    return entries.length;
  };

  return {
    compactLedger: (before, limit) => writer.write(() => compact(before, limit)),

    removeBefore: (before, limit) =>
      writer.write(
        () =>
          removeJobs.run(before, limit).changes +
          removeDeliveries(before, limit) +
          removeHealth.run(before, limit).changes +
          removeOldBudgets(before - BUDGET_MS, limit),
      ),
  };
}
