import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import { isRunning, processMark } from '#shared/core/running-process.ts';

const LOCK_FILE = '.download.lock';

/**
 * Runs work while no other process does the same in the folder. The lock of a process that has ended
 * is taken over.
 *
 * @throws AppError `conflict` while another process holds the lock
 */
export async function withFolderLock<T>(
  folder: string,
  processId: number,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, LOCK_FILE);
  await takeLock(path, folder, processId);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function takeLock(path: string, folder: string, processId: number): Promise<void> {
  const mark = processMark(processId);
  try {
    await writeFile(path, mark, { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    const owner = await readFile(path, 'utf8');
    if (isRunning(owner)) {
      throw new AppError(
        'conflict',
        `${folder}: process ${Number.parseInt(owner, 10)} is downloading here; wait for it or end it.`,
        { cause },
      );
    }
    await rm(path, { force: true });
    await writeFile(path, mark, { flag: 'wx' });
  }
}
