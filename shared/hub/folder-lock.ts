import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';

const LOCK_FILE = '.download.lock';

/**
 * Runs work while no other process does the same in the folder. The lock of a process that is no
 * more is taken over.
 *
 * @throws AppError `conflict` while another process is at it
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
  try {
    await writeFile(path, String(processId), { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    const owner = Number(await readFile(path, 'utf8'));
    if (isAlive(owner)) {
      throw new AppError(
        'conflict',
        `${folder}: process ${owner} is downloading here; wait for it or end it.`,
        { cause },
      );
    }
    await rm(path, { force: true });
    await writeFile(path, String(processId), { flag: 'wx' });
  }
}

function isAlive(processId: number): boolean {
  if (!Number.isInteger(processId) || processId <= 0) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
