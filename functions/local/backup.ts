import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { copyDatabase } from '#shared/adapters/sqlite/copy-database.ts';
import { DATABASE_FILE } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { AppError } from '#shared/core/errors.ts';

/** What a data folder holds beside its database: keys, secrets, certificates, pictures. */
const PARTS = ['secrets.json', 'keys.json', 'c2pa', 'files'];
const MODELS = 'models';

export interface Backup {
  readonly folder: string;
  readonly files: number;
  readonly sizeBytes: number;
}

/**
 * Copies a data folder, also while a server runs on it, to a folder that a server can be started on. It
 * appears whole or not at all. The database comes first, so each picture that it names and that was not
 * erased meanwhile is among the files.
 *
 * @param from the data folder
 * @param to a folder that is not there yet
 * @param withModels whether model packages are copied; they never change once they are imported
 * @throws AppError `file-not-found` for a folder without data, `conflict` where the target exists
 */
export async function backUp(from: string, to: string, withModels: boolean): Promise<Backup> {
  const folder = resolve(to);
  if ((await lstat(folder).catch(() => undefined)) !== undefined) {
    throw new AppError('conflict', `${folder} is there already. Name a folder that is not.`);
  }
  const temporary = `${folder}.${process.pid}.part`;
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  try {
    copyDatabase(resolve(from), temporary);
    const copied = [(await lstat(join(temporary, DATABASE_FILE))).size];
    for (const part of withModels ? [...PARTS, MODELS] : PARTS) {
      copied.push(...(await copyTree(join(from, part), join(temporary, part))));
    }
    await rename(temporary, folder);
    const sizeBytes = copied.reduce((sum, size) => sum + size, 0);
    return { folder, files: copied.length, sizeBytes };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** Copies a file or folder, links as what they lead to not included; returns the files' sizes. */
async function copyTree(from: string, to: string): Promise<readonly number[]> {
  const found = await lstat(from).catch(ifGone);
  if (found?.isDirectory()) {
    await mkdir(to, { recursive: true, mode: found.mode & 0o777 });
    const sizes: number[] = [];
    for (const name of (await readdir(from).catch(ifGone)) ?? []) {
      if (!isUnfinished(name)) sizes.push(...(await copyTree(join(from, name), join(to, name))));
    }
    return sizes;
  }
  if (!found?.isFile()) return [];
  const copied = await copyFile(from, to, constants.COPYFILE_FICLONE).then(() => true, ifGone);
  return copied ? [found.size] : [];
}

/** What a running server has not finished writing. */
const isUnfinished = (name: string) => /~[0-9a-f]{12}$|[.](tmp|part)$/.test(name);

/** A picture may be erased while its neighbours are copied. */
function ifGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
