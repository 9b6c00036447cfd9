import { join } from 'node:path';
import { runToEnd } from './install-once.ts';

const NEEDED_MAJOR = 24;
/** Node's binaries as a package, so that no other version has to be on the machine. */
export const NODE_24 = `node-linux-${process.arch}@24.21.0`;

/** Where a folder of packages has Node 24, for clients that refuse older ones: this one if it will do. */
export function node24Of(folder: string): string {
  const [major = '0'] = process.versions.node.split('.');
  if (Number(major) >= NEEDED_MAJOR) return process.execPath;
  return join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
}

/** Installs packages beside a folder's `package.json`. */
export function installNode(folder: string, ...packages: readonly string[]): Promise<void> {
  const quiet = ['--silent', '--no-audit', '--no-fund', '--no-package-lock'];
  // Packages that refuse this Node are run by another one.
  return runToEnd('npm', ['install', ...quiet, '--engine-strict=false', ...packages], {
    cwd: folder,
  });
}
