import type Database from 'libsql';
import { AppError } from '#shared/core/errors.ts';

/** Runs a write inside the next transaction and resolves once that is on disk. */
export interface Writer {
  /**
   * @param run does its reads and writes synchronously; when it throws, its own writes alone are
   *   undone. It is run again when another write of its group failed, after all were undone, so it
   *   must leave no trace outside the database before its last statement.
   * @param lazy it need not be on disk soon: it waits for the next other write, or for `lazyMs`
   */
  write<T>(run: () => T, lazy?: boolean): Promise<T>;
  /**
   * As `write`, for writes that cost less together: those of a transaction are run at once.
   *
   * @param run the same function for all of them; returns a result for each item, in their order
   */
  writeTogether<Item, Result>(
    run: (items: readonly Item[]) => readonly Result[],
    item: Item,
    lazy?: boolean,
  ): Promise<Result>;
  /** Called when a whole transaction was undone, so that what was cached of it is read again. */
  onRollback(listener: () => void): void;
  /** Called after each transaction, before its writes resolve. */
  onCommit(listener: () => void): void;
  /** Commits what waits, now. */
  flush(): void;
  /** Commits what waits; what comes later is rejected. */
  close(): void;
}

interface Pending {
  readonly run: (items: readonly unknown[]) => readonly unknown[];
  readonly item?: unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Most writes of one transaction: they block the event loop while they run. */
const GROUP_SIZE = 256;
const LAZY_MS = 100;

/**
 * Gathers the writes of one turn of the event loop into one transaction, so that they share one
 * fsync. Where one fails, all are run again with a savepoint each: savepoints cost, failures are rare.
 *
 * @param lazyMs how long a lazy write waits for another
 */
export function createWriter(db: Database.Database, lazyMs = LAZY_MS): Writer {
  const rollbackListeners: (() => void)[] = [];
  const commitListeners: (() => void)[] = [];
  let pending: Pending[] = [];
  let scheduled = false;
  let closed = false;
  let lazyTimer: ReturnType<typeof setTimeout> | undefined;

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };

  const flush = (): void => {
    scheduled = false;
    clearTimeout(lazyTimer);
    lazyTimer = undefined;
    const group = pending.slice(0, GROUP_SIZE);
    pending = pending.slice(GROUP_SIZE);
    if (pending.length > 0) schedule();
    if (group.length > 0) commit(group);
  };

  const undo = (): void => {
    if (db.inTransaction) db.exec('ROLLBACK');
    for (const listener of rollbackListeners) listener();
  };

  const commit = (group: readonly Pending[]): void => {
    let settle: (() => void)[] | undefined;
    try {
      db.exec('BEGIN IMMEDIATE');
      settle = runAll(group);
      if (settle === undefined) {
        undo();
        db.exec('BEGIN IMMEDIATE');
        settle = group.map((one) => runOne(db, one));
      }
      db.exec('COMMIT');
    } catch (error) {
      undo();
      for (const { reject } of group) reject(toAppError(error));
      return;
    }
    for (const listener of commitListeners) listener();
    for (const tell of settle) tell();
  };

  const flushAll = (): void => {
    while (pending.length > 0) flush();
  };

  const add = (one: Pending, lazy: boolean): void => {
    pending.push(one);
    if (!lazy) schedule();
    else if (!scheduled) lazyTimer ??= setTimeout(flush, lazyMs);
  };

  const writeTogether: Writer['writeTogether'] = (run, item, lazy = false) => {
    if (closed) return Promise.reject(storeClosed());
    return new Promise((resolve, reject) => {
      add({ run, item, resolve, reject } as Pending, lazy);
    });
  };

  return {
    flush: flushAll,
    close() {
      flushAll();
      closed = true;
    },
    onRollback: (listener) => rollbackListeners.push(listener),
    onCommit: (listener) => commitListeners.push(listener),
    write: (run, lazy) => writeTogether(() => [run()], undefined, lazy),
    writeTogether,
  };
}

/** Runs writes in their order and returns what tells their callers; undefined when one failed. */
function runAll(group: readonly Pending[]): (() => void)[] | undefined {
  const settle: (() => void)[] = [];
  try {
    for (const [run, writes] of groupByRun(group)) {
      const values = run(writes.map(({ item }) => item));
      for (const [place, { resolve }] of writes.entries())
        settle.push(() => resolve(values[place]));
    }
  } catch {
    return undefined;
  }
  return settle;
}

function groupByRun(group: readonly Pending[]): ReadonlyMap<Pending['run'], readonly Pending[]> {
  const groups = new Map<Pending['run'], Pending[]>();
  for (const one of group) {
    const known = groups.get(one.run);
    if (known === undefined) groups.set(one.run, [one]);
    else known.push(one);
  }
  return groups;
}

/** Runs one write in its savepoint and returns what tells its caller, once the group is on disk. */
function runOne(db: Database.Database, { run, item, resolve, reject }: Pending): () => void {
  db.exec('SAVEPOINT one');
  try {
    const [value] = run([item]);
    db.exec('RELEASE one');
    return () => resolve(value);
  } catch (error) {
    // Some failures (a full disk) end the whole transaction; then so does this.
    db.exec('ROLLBACK TO one');
    db.exec('RELEASE one');
    return () => reject(toAppError(error));
  }
}

/** What asks a store of a database that was closed: the library would abort the process. */
export function storeClosed(): AppError {
  return new AppError('unavailable', 'The data folder is closed: the server is stopping');
}

function toAppError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error instanceof AppError) return error;
  if (error.code === 'SQLITE_FULL') {
    return new AppError('disk-full', 'The data folder has no room left; free some, then retry', {
      cause: error,
      retryable: true,
    });
  }
  const busy = error.code === 'SQLITE_BUSY';
  return new AppError(busy ? 'unavailable' : 'internal-error', `Database: ${error.message}`, {
    cause: error,
    retryable: busy,
  });
}
