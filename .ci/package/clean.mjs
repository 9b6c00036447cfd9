// Removes what "npm pack" made: in a checkout the sources run, and npm-shrinkwrap.json would count
// before the lockfile.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const DIST = join(ROOT, 'dist');
export const SHRINKWRAP = join(ROOT, 'npm-shrinkwrap.json');

/** @param {string} [part] of the folder that is built; all of it and the lockfile when absent */
export function clean(part = '') {
  rmSync(join(DIST, part), { recursive: true, force: true });
  if (part === '') rmSync(SHRINKWRAP, { force: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) clean();
