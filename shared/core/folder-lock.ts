import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import { isRunning, processMark } from '#shared/core/running-process.ts';

export interface FolderLock {
  readonly folder: string;
  /** The lock's file in the folder. */
  readonly name: string;
  readonly processId: number;
  /** What whoever comes second is told. */
  readonly busy: (processId: number) => string;
}

/**
 * Runs work while no other process does the same in the folder. The lock of a process that has ended
 * is taken over.
 *
 * @throws AppError `conflict` while another process holds the lock
 */
export async function withFolderLock<T>(lock: FolderLock, work: () => Promise<T>): Promise<T> {
  await mkdir(lock.folder, { recursive: true });
  const path = join(lock.folder, lock.name);
  await takeLock(path, lock);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function takeLock(path: string, { processId, busy }: FolderLock): Promise<void> {
  const mark = processMark(processId);
  try {
    await writeFile(path, mark, { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    const owner = await readFile(path, 'utf8');
    if (isRunning(owner)) {
      throw new AppError('conflict', busy(Number.parseInt(owner, 10)), { cause });
    }
    await rm(path, { force: true });
    await writeFile(path, mark, { flag: 'wx' });
  }
}
