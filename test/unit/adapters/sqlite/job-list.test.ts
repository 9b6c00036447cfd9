import Database from 'libsql';
import { expect, test } from 'vitest';
import { createWriter } from '#shared/adapters/sqlite/group-commit.ts';
import { migrate } from '#shared/adapters/sqlite/schema.ts';
import { createSqliteJobStore } from '#shared/adapters/sqlite/sqlite-job-store.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';

test('jobs with a tag are found by the tag, not by going through the jobs of the account', () => {
  const db = new Database(':memory:');
  migrate(db);
  const prepared: string[] = [];
  const watched = new Proxy(db, {
    get: (target, name) =>
      name === 'prepare'
        ? (sql: string) => {
            prepared.push(sql);
            return target.prepare(sql);
          }
        : Reflect.get(target, name),
  });
  createSqliteJobStore(watched, createWriter(db), {
    clock: createManualClock(),
    randomBytes: createCountedBytes(),
  });
  const tagged = prepared.filter((sql) => /^SELECT.*FROM job_tags/.test(sql));
  expect(tagged).toHaveLength(2);
  for (const sql of tagged) {
    const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
    expect(steps.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^SEARCH t USING PRIMARY KEY \(account=\? AND name=\? AND value=\?/),
      expect.stringMatching(/^SEARCH j USING INDEX \S+ \(id=\?\)/),
    ]);
  }
});
