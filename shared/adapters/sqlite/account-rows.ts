import type Database from 'libsql';
import type { Account } from '#shared/core/account.ts';

/** Writes of accounts, for use inside a transaction. */
export function createAccountRows(db: Database.Database) {
  const insert = db.prepare(
    'INSERT OR IGNORE INTO accounts (id, name, created_at, disabled_at) VALUES (?, ?, ?, ?)',
  );
  return {
    /** Adds an account without money; false when there is one of this id. */
    add: ({ id, name, createdAt, disabledAt }: Account): boolean =>
      insert.run(id, name, createdAt, disabledAt ?? null).changes > 0,
  };
}
