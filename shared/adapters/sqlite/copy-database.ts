import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { AppError } from '#shared/core/errors.ts';
import { DATABASE_FILE } from './sqlite-stores.ts';

/** How long the copy waits for a writer, at most. */
const BUSY_MS = 30_000;

/**
 * Copies the database of a data folder as it is at one moment, also while a server writes to it: SQLite
 * reads one snapshot and holds nobody up.
 *
 * @param folder the data folder
 * @param target the folder that the copy goes to; it has no database yet
 * @throws AppError `file-not-found` where there is no database, `invalid-file` when the copy is damaged
 */
export function copyDatabase(folder: string, target: string): void {
  const source = join(folder, DATABASE_FILE);
  if (!existsSync(source)) {
    throw new AppError('file-not-found', `${folder} holds no data yet: there is no ${source}.`);
  }
  const copy = join(target, DATABASE_FILE);
  using(source, (db) => {
    db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    db.prepare('VACUUM INTO ?').run(copy);
  });
  // Prompts and the keys' MACs are for the owner alone.
  chmodSync(copy, 0o600);
  const [found] = using(copy, (db) => db.prepare('PRAGMA integrity_check').all()) as unknown[];
  const verdict = (found as { integrity_check?: string }).integrity_check;
  if (verdict !== 'ok') {
    throw new AppError('invalid-file', `The copy of ${source} is damaged: ${verdict}.`);
  }
}

function using<T>(file: string, work: (db: Database.Database) => T): T {
  const db = new Database(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}
