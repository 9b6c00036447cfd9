import Database from 'libsql';
import { beforeEach, describe, expect, test } from 'vitest';
import { createWriter, type Writer } from '#shared/adapters/sqlite/group-commit.ts';

describe('group commit', () => {
  let db: Database.Database;
  let writer: Writer;
  let commands: string[];
  /** Fails the named command of the next transaction once. */
  let failOn: { command: string; code: string } | undefined;

  beforeEach(() => {
    db = new Database(':memory:');
    db.exec('CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT');
    commands = [];
    failOn = undefined;
    const watched = new Proxy(db, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== 'exec') return typeof value === 'function' ? value.bind(target) : value;
        return (sql: string) => {
          commands.push(sql);
          if (failOn?.command === sql) {
            const error = Object.assign(new Error('refused'), { code: failOn.code });
            failOn = undefined;
            throw error;
          }
          target.exec(sql);
        };
      },
    });
    writer = createWriter(watched);
  });

  const insert = (n: number) => () => {
    db.prepare('INSERT INTO numbers VALUES (?)').run(n);
    return n;
  };
  const stored = () =>
    (db.prepare('SELECT n FROM numbers').all() as { n: number }[]).map(({ n }) => n);
  const count = (command: string) => commands.filter((sql) => sql === command).length;

  test('writes of one turn share one transaction, and each has its own value', async () => {
    const values = await Promise.all([1, 2, 3].map((n) => writer.write(insert(n))));
    expect(values).toEqual([1, 2, 3]);
    expect(count('COMMIT')).toBe(1);
    expect(stored()).toEqual([1, 2, 3]);
  });

  describe('writes that are run together', () => {
    const runs: (readonly number[])[] = [];
    const insertAll = (numbers: readonly number[]) => {
      runs.push(numbers);
      return numbers.map((n) => insert(n)());
    };
    const together = (n: number, lazy = false) => writer.writeTogether(insertAll, n, lazy);

    beforeEach(() => {
      runs.length = 0;
    });

    test('are one call for a transaction, and each has its own value', async () => {
      const values = await Promise.all([together(1), writer.write(insert(2)), together(3)]);
      expect(values).toEqual([1, 2, 3]);
      expect(runs).toEqual([[1, 3]]);
      expect(stored()).toEqual([1, 2, 3]);
    });

    test('are tried one by one when one of them fails', async () => {
      const results = await Promise.allSettled([together(1), together(1), together(2)]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(runs).toEqual([[1, 1, 2], [1], [1], [2]]);
      expect(stored()).toEqual([1, 2]);
    });

    test('wait for another write when they are lazy, and are as many as others at most', async () => {
      const lazy = together(1, true);
      await Promise.all(Array.from({ length: 300 }, (_, n) => together(n + 2)));
      expect(await lazy).toBe(1);
      expect(runs.map(({ length }) => length)).toEqual([256, 45]);
    });
  });

  test('a write resolves only after the commit', async () => {
    let committed = -1;
    await writer.write(insert(1)).then(() => {
      committed = count('COMMIT');
    });
    expect(committed).toBe(1);
  });

  test('a group that does not commit rejects every write, undoes it, and says so', async () => {
    let told = 0;
    writer.onRollback(() => told++);
    failOn = { command: 'COMMIT', code: 'SQLITE_FULL' };
    const results = await Promise.allSettled([1, 2].map((n) => writer.write(insert(n))));
    for (const result of results) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'disk-full', retryable: true },
      });
    }
    expect(told).toBe(1);
    expect(stored()).toEqual([]);
    await writer.write(insert(3));
    expect(stored()).toEqual([3]);
  });

  test('an error of the write itself reaches its caller as it is', async () => {
    const error = new Error('no');
    const failing = writer.write(() => {
      insert(1)();
      throw error;
    });
    await expect(failing).rejects.toBe(error);
    expect(stored()).toEqual([]);
  });

  test('a write that fails takes nothing from those of its group', async () => {
    let undone = 0;
    writer.onRollback(() => undone++);
    const results = await Promise.allSettled([
      writer.write(insert(1)),
      writer.write(() => {
        insert(2)();
        throw new Error('no');
      }),
      writer.write(insert(1)),
      writer.write(insert(3)),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(stored()).toEqual([1, 3]);
    expect(count('COMMIT')).toBe(1);
    expect(undone).toBe(1);
  });

  test('commits are told before their writes resolve', async () => {
    const order: string[] = [];
    writer.onCommit(() => order.push('commit'));
    await writer.write(insert(1)).then(() => order.push('write'));
    expect(order).toEqual(['commit', 'write']);
  });

  test('an error of the database is wrapped and tells nothing to clients', async () => {
    await writer.write(insert(1));
    await expect(writer.write(insert(1))).rejects.toMatchObject({
      code: 'internal-error',
      retryable: false,
    });
  });

  test('many writes are cut into groups', async () => {
    const all = Array.from({ length: 1000 }, (_, n) => writer.write(insert(n)));
    await Promise.all(all);
    expect(count('COMMIT')).toBe(4);
    expect(stored()).toHaveLength(1000);
  });

  test('a lazy write goes with the next other one, or alone a little later', async () => {
    const lazy = writer.write(insert(1), true);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(stored()).toEqual([]);
    await writer.write(insert(2));
    await lazy;
    expect(count('COMMIT')).toBe(1);
    await writer.write(insert(3), true);
    expect(stored()).toEqual([1, 2, 3]);
  });

  test('a flush commits all that waits, now', () => {
    const writes = [1, 2].map((n) => writer.write(insert(n), n === 1));
    writer.flush();
    expect(stored()).toEqual([1, 2]);
    return Promise.all(writes);
  });
});
