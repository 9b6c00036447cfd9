import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.ts';

/**
 * Gives a copy of this tree its packages and their programs, by links. What is compiled is each tree's own.
 *
 * @param except a package that the copy has otherwise, with a program of that name
 */
export function linkPackages(copy: string, except?: { package: string; program: string }): void {
  const link = (folder: string, left: readonly (string | undefined)[]): void => {
    mkdirSync(join(copy, folder), { recursive: true });
    for (const name of readdirSync(join(ROOT, folder))) {
      if (!left.includes(name)) symlinkSync(join(ROOT, folder, name), join(copy, folder, name));
    }
  };
  link('node_modules', ['.bin', '.cache', except?.package]);
  link('node_modules/.bin', [except?.program]);
}
