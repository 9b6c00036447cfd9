import Database from 'libsql';
import { expect, test } from 'vitest';
import { createBudgets } from '#shared/adapters/sqlite/budgets.ts';
import { migrate } from '#shared/adapters/sqlite/schema.ts';
import type { KeyId } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';

test('days and months older than a year go when the key begins a day; those of other keys stay', () => {
  const db = new Database(':memory:');
  migrate(db);
  const budgets = createBudgets(db);
  const [key, other] = ['key_one', 'key_two'] as [KeyId, KeyId];
  const add = (of: KeyId, budgetDay: string) =>
    budgets.add({ key: of, budgetDay, budgetMonth: budgetDay.slice(0, 7) }, microUsd(5));
  add(other, '2025-10-31');
  for (const day of ['2025-10-31', '2025-11-01', '2026-10-31']) add(key, day);
  expect(budgets.spent(key, '2025-10')).toBe(5);
  add(key, '2026-11-02');
  const periods = db.prepare('SELECT period FROM budgets WHERE key = ? ORDER BY period');
  expect(periods.all(key)).toEqual(
    ['2025-11', '2025-11-01', '2026-10', '2026-10-31', '2026-11', '2026-11-02'].map((period) => ({
      period,
    })),
  );
  expect(periods.all(other)).toHaveLength(2);
  add(key, '2026-11-02');
  expect(budgets.spent(key, '2026-11')).toBe(10);
  const plan = db.prepare('EXPLAIN QUERY PLAN DELETE FROM budgets WHERE key = ? AND period < ?');
  expect(plan.all(key, '2025-11')).toMatchObject([
    { detail: expect.stringMatching(/^SEARCH budgets USING PRIMARY KEY/) },
  ]);
});
