import { createHash } from 'node:crypto';
import type { Manifest } from './manifest.ts';

/**
 * The digest of a package: SHA-256 over one line `<sha256>  <path>` per file, sorted by path, as
 * `sha256sum` prints them, and a last line with the recipe. Packages from before recipes lack that line.
 */
export function packageDigest({ files, recipe }: Pick<Manifest, 'files' | 'recipe'>): string {
  const hash = createHash('sha256');
  for (const path of Object.keys(files).sort()) hash.update(`${files[path]?.sha256}  ${path}\n`);
  if (recipe !== undefined) {
    const { name, scheduler, timestep, prediction } = recipe;
    hash.update(`recipe ${name} ${scheduler} ${timestep} ${prediction}\n`);
  }
  return hash.digest('hex');
}
