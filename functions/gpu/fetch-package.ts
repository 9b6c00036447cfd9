import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';

/**
 * Copies a model package out of its bucket, its files under their names after the prefix.
 *
 * @param prefix ends with `/`
 * @throws AppError `file-not-found` when there is nothing under the prefix
 */
export async function fetchPackage(
  blobs: Pick<BlobStore, 'list' | 'get'>,
  prefix: string,
  folder: string,
): Promise<void> {
  const keys = await blobs.list(prefix);
  if (keys.length === 0) {
    throw new AppError('file-not-found', `There is no model package under ${prefix}.`);
  }
  await Promise.all(
    keys.map(async (key) => {
      const bytes = await blobs.get(key);
      if (bytes === undefined) throw new AppError('file-not-found', `${key} is gone.`);
      const file = join(folder, key.slice(prefix.length));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }),
  );
}
