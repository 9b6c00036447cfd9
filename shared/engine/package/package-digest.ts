import { createHash } from 'node:crypto';
import type { Manifest } from './manifest.ts';

/**
 * The digest of a package: SHA-256 over one line `<sha256>  <path>` per file, sorted by path, as
 * `sha256sum` prints them.
 */
export function packageDigest(files: Manifest['files']): string {
  const lines = Object.keys(files)
    .sort()
    .map((path) => `${files[path]?.sha256}  ${path}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex');
}
