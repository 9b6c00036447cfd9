import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder, which every path in a test is given from. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export function fromRoot(path: string): string {
  return join(ROOT, path);
}

export function readFromRoot(path: string): string {
  return readFileSync(fromRoot(path), 'utf8');
}
