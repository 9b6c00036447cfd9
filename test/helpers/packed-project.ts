import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.ts';

/** What a package is made from, besides what git keeps of it. */
const SOURCES = ['.ci', 'functions', 'infra', 'shared', 'models', 'docs', 'package.json'];

/**
 * Makes the package of this tree, committed or not, in a clone, by the command of the documentation.
 *
 * @param work a folder for the clone
 * @param folder where the package goes
 * @returns the file's name
 */
export function packProject(work: string, folder: string): string {
  const clone = join(work, 'clone');
  execFileSync('git', ['clone', '--quiet', ROOT, clone]);
  for (const path of SOURCES) cpSync(join(ROOT, path), join(clone, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  const words = ['run', '-s', 'package', '--', '--pack-destination', folder];
  const packed = execFileSync('npm', words, { cwd: clone, encoding: 'utf8' });
  for (const left of ['dist', 'npm-shrinkwrap.json']) {
    if (existsSync(join(clone, left))) throw new Error(`"npm run package" left ${left} behind.`);
  }
  return packed.trim().split('\n').at(-1) ?? '';
}

/** Makes another version's package of one: the same files under another number. */
export function repackAs(version: string, file: string, work: string): string {
  const folder = join(work, version);
  mkdirSync(folder);
  execFileSync('tar', ['-xzf', file, '-C', folder]);
  const name = file.replace(/[^-]+\.tgz$/, `${version}.tgz`);
  const words = ['version', version, '--no-git-tag-version', '--ignore-scripts'];
  execFileSync('npm', words, { cwd: join(folder, 'package'), stdio: 'ignore' });
  execFileSync('tar', ['-czf', name, '-C', folder, 'package']);
  return name;
}
