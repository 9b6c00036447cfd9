import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { AppError } from '#shared/core/errors.ts';

/**
 * Takes a data folder for this process. SQLite's own lock on a file of the folder does it, so it ends
 * with the process, however that ends.
 *
 * @throws AppError `conflict` when another process has it
 */
export function lockFolder(folder: string): { release(): void } {
  const db = new Database(join(folder, 'lock.sqlite'), { timeout: 0 });
  const ownerFile = join(folder, 'lock.pid');
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
    throw new AppError(
      'conflict',
      `${folder} is in use by another Onestep process (pid ${readOwner(ownerFile)}); stop it, or ` +
        'choose another folder with --data',
      { cause },
    );
  }
  writeFileSync(ownerFile, String(process.pid));
  return { release: () => db.close() };
}

function readOwner(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return 'unknown';
  }
}
