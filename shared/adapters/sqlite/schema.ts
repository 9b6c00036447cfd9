import type Database from 'libsql';
import { AppError } from '#shared/core/errors.ts';
import { MIGRATIONS } from './migrations.ts';

/** Brings the file to the newest version, each step in its own transaction. */
export function migrate(db: Database.Database): void {
  const row = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (row.user_version > MIGRATIONS.length) {
    throw new AppError(
      'invalid-file',
      `${db.name} was written by a newer Onestep (format ${row.user_version}, this one reads up to ` +
        `${MIGRATIONS.length}); start that version, or another data folder`,
    );
  }
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < row.user_version) continue;
    db.exec(`BEGIN IMMEDIATE; ${step} PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}
