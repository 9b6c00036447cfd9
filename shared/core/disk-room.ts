import { existsSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AppError } from './errors.ts';
import { formatBytes } from './format-bytes.ts';

/** Bytes that are about to be written. */
export interface DiskNeed {
  /** Such as `the download`. */
  readonly what: string;
  /** Where they go; the folder need not be there yet. */
  readonly folder: string;
  readonly bytes: number;
}

/** The disk that holds a folder. */
export interface Disk {
  /** The same for all folders of one disk. */
  readonly id: number;
  readonly freeBytes: number;
}

export type DiskOf = (folder: string) => Promise<Disk>;

/** Left free on a disk, for the file system itself. */
const RESERVE_BYTES = 64 * 2 ** 20;

/** Asks the system about the disk of a folder, or of the nearest one above it that is there. */
export const diskOf: DiskOf = async (folder) => {
  let place = resolve(folder);
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  const [{ dev }, { bavail, bsize }] = await Promise.all([stat(place), statfs(place)]);
  return { id: dev, freeBytes: bavail * bsize };
};

/**
 * Makes sure that there is room for everything about to be written, even where several things go to
 * the same disk.
 *
 * @throws AppError `disk-full` naming what does not fit
 */
export async function assertRoom(needs: readonly DiskNeed[], ask: DiskOf = diskOf): Promise<void> {
  const wanted = needs.filter(({ bytes }) => bytes > 0);
  const disks = await Promise.all(wanted.map(({ folder }) => ask(folder)));
  for (const { id, freeBytes } of disks) {
    const here = wanted.filter((_, index) => disks[index]?.id === id);
    const bytes = here.reduce((sum, need) => sum + need.bytes, 0);
    if (freeBytes >= bytes + RESERVE_BYTES) continue;
    const list = here.map((need) => `${need.what} takes ${formatBytes(need.bytes)}`).join(', ');
    throw new AppError(
      'disk-full',
      `${here[0]?.folder}: ${list}, but only ${formatBytes(freeBytes)} are free there, of which ${formatBytes(RESERVE_BYTES)} are left alone; make room or name a folder on another disk.`,
    );
  }
}
