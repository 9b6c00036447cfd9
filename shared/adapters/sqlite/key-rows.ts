import type Database from 'libsql';
import type { ApiKey } from '#shared/core/account.ts';

/** Writes of keys, for use inside a transaction. */
export function createKeyRows(db: Database.Database) {
  const insert = db.prepare('INSERT OR IGNORE INTO keys (id, account, data) VALUES (?, ?, ?)');
  return {
    add: (key: ApiKey): void => void insert.run(key.id, key.account, JSON.stringify(key)),
  };
}
