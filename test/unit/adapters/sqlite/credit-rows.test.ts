import Database from 'libsql';
import { expect, test } from 'vitest';
import { createCreditRows } from '#shared/adapters/sqlite/credit-rows.ts';
import { migrate } from '#shared/adapters/sqlite/schema.ts';
import { microUsd } from '#shared/core/money.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { ACCOUNT, NOW } from '#test/helpers/samples.ts';

/** The database, noting every statement that is run. */
function watched(db: Database.Database, runs: string[]): Database.Database {
  const watchStatement = (sql: string) =>
    new Proxy(db.prepare(sql), {
      get(statement, name) {
        const method: unknown = Reflect.get(statement, name);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          runs.push(sql);
          return method.apply(statement, args) as unknown;
        };
      },
    });
  return new Proxy(db, {
    get: (target, name) => (name === 'prepare' ? watchStatement : Reflect.get(target, name)),
  });
}

test('a hold over a thousand small grants is planned from a few reads, in the order of their expiry', () => {
  const db = new Database(':memory:');
  migrate(db);
  db.prepare("INSERT INTO accounts (id, name, created_at) VALUES (?, 'a', ?)").run(ACCOUNT, NOW);
  const runs: string[] = [];
  const credit = createCreditRows(watched(db, runs), createCountedBytes());
  const grants = Array.from({ length: 1000 }, (_, i) => `grant-${String(i).padStart(4, '0')}`);
  // Granted in another order; two expire together each time.
  for (const entryId of grants.toReversed()) {
    const expiresAt = NOW + Math.floor(grants.indexOf(entryId) / 2);
    credit.add({ entryId, account: ACCOUNT, reference: entryId, amount: microUsd(2), expiresAt });
  }
  runs.length = 0;

  const sources = credit.plan(ACCOUNT, 1999);

  expect(sources).toEqual(grants.map((grant, i) => [grant, i === 999 ? 1 : 2]));
  expect(runs.length).toBeLessThan(20);
  // Each read begins where the last one ended, by the index.
  for (const sql of new Set(runs)) {
    expect(sql).not.toContain('OFFSET');
    const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(ACCOUNT, 0, '', 1);
    expect(JSON.stringify(steps)).toMatch(/SEARCH grants USING .*INDEX grants_to_draw/);
    expect(JSON.stringify(steps)).not.toContain('TEMP B-TREE');
  }
  expect(() => credit.plan(ACCOUNT, 2001)).toThrow('less than its balance');
});
