import { accessSync, chmodSync, closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import type { RandomBytes } from '#shared/core/ids.ts';
import type { AutoTopups } from '#shared/service/ports/auto-topups.ts';
import type { AccountHooks } from '#shared/service/ports/account-hooks.ts';
import type { Erasure } from '#shared/service/ports/erasure.ts';
import type { Invitations } from '#shared/service/ports/invitations.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import type { KeyStore } from '#shared/service/ports/key-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { Outbox } from '#shared/service/ports/outbox.ts';
import type { Records } from '#shared/service/ports/records.ts';
import { lockFolder } from './folder-lock.ts';
import { createWriter, storeClosed } from './group-commit.ts';
import { migrate } from './schema.ts';
import { createSqliteAutoTopups } from './sqlite-auto-topups.ts';
import { createSqliteAccountHooks } from './sqlite-account-hooks.ts';
import { createSqliteErasure } from './sqlite-erasure.ts';
import { createSqliteInvitations } from './sqlite-invitations.ts';
import { createSqliteJobStore } from './sqlite-job-store.ts';
import { createSqliteKeyStore } from './sqlite-key-store.ts';
import { createSqliteLedger } from './sqlite-ledger.ts';
import { createSqliteOutbox } from './sqlite-outbox.ts';
import { createSqliteRecords } from './sqlite-records.ts';
import { lostCommits } from './wal-check.ts';

export interface SqliteOptions {
  /** The data folder; made when absent. Its database is `onestep.sqlite`. */
  readonly folder: string;
  /**
   * `full`: what was answered survives a power cut. `normal`: it survives the death of the process,
   * and a power cut may take back the last moments, never leave a half.
   */
  readonly synchronous?: 'full' | 'normal';
  /** How long a write that need not be on disk soon waits for others. @default 100 */
  readonly lazyMs?: number;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

/** In the data folder. */
export const DATABASE_FILE = 'onestep.sqlite';

export interface SqliteStores {
  readonly jobs: JobStore;
  readonly ledger: Ledger;
  readonly keys: KeyStore;
  readonly outbox: Outbox;
  readonly hooks: AccountHooks;
  readonly autoTopups: AutoTopups;
  readonly invitations: Invitations;
  readonly erasure: Erasure;
  readonly records: Records;
  /** What a damaged log has cost, as found when it was opened; see `lostCommits`. */
  readonly lostCommits: number | 'all';
  /** Commits what waits and releases the folder. */
  close(): void;
}

/**
 * Everything that the service remembers, in one SQLite file that belongs to this process.
 *
 * @throws AppError `conflict` when another process has the folder, `invalid-file` when a newer
 * version wrote it, `invalid-request` when nothing can be written there
 */
export function openSqliteStores(options: SqliteOptions): SqliteStores {
  makeFolder(options.folder);
  const lock = lockFolder(options.folder);
  const file = join(options.folder, DATABASE_FILE);
  const lost = lostCommits(`${file}-wal`);
  const db = openDatabase(file, options, lock.release);
  const writer = createWriter(db, options.lazyMs);
  let open = true;
  const whileOpen = <Store extends object>(store: Store) => guard(store, () => open);
  return {
    jobs: whileOpen(createSqliteJobStore(db, writer, options)),
    ledger: whileOpen(createSqliteLedger(db, writer, options)),
    keys: whileOpen(createSqliteKeyStore(db, writer)),
    outbox: whileOpen(createSqliteOutbox(db, writer, options)),
    hooks: whileOpen(createSqliteAccountHooks(db, writer)),
    autoTopups: whileOpen(createSqliteAutoTopups(db, writer)),
    invitations: whileOpen(createSqliteInvitations(db, writer, options)),
    erasure: whileOpen(createSqliteErasure(db, writer)),
    records: whileOpen(createSqliteRecords(db, writer, options)),
    lostCommits: lost,
    close() {
      if (!open) return;
      writer.close();
      open = false;
      emptyLog(db);
      db.close();
      lock.release();
    },
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new AppError(
      'invalid-request',
      `Can't keep data in ${folder}: ${(cause as Error).message}. Choose a folder that can be ` +
        'written with --data.',
      { cause },
    );
  }
}

/**
 * Moves what is in the log into the database, which the binding's own `close` does not: what was ended in
 * order is whole in one file.
 */
function emptyLog(db: Database.Database): void {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // On a full or failing disk the log stays, and the next start reads it.
  }
}

/** The same store; its methods reject once the database is closed, which would abort the process. */
function guard<Store extends object>(store: Store, isOpen: () => boolean): Store {
  const methods = Object.entries(store as Record<string, (...args: unknown[]) => unknown>);
  return Object.fromEntries(
    methods.map(([name, method]) => [
      name,
      (...args: unknown[]) => (isOpen() ? method(...args) : Promise.reject(storeClosed())),
    ]),
  ) as Store;
}

/** Prompts, keys' MACs and webhooks are for the owner alone; SQLite gives its other files the same mode. */
function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
}

function openDatabase(
  file: string,
  options: Pick<SqliteOptions, 'synchronous'>,
  onFailure: () => void,
): Database.Database {
  let db: Database.Database | undefined;
  try {
    makePrivate(file);
    db = new Database(file);
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${options.synchronous === 'normal' ? 'NORMAL' : 'FULL'};
      PRAGMA foreign_keys = ON;
      PRAGMA cache_size = -32000;
      -- Pages that are written again and again (the ends of indexes) are copied back less often so.
      PRAGMA wal_autocheckpoint = 4000;
      PRAGMA journal_size_limit = 67108864;
    `);
    migrate(db);
    return db;
  } catch (error) {
    db?.close();
    onFailure();
    throw error;
  }
}
