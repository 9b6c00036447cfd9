import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runToEnd } from './install-once.ts';

/**
 * Makes programs available that Debian has packages of: `{ cmake: 'cmake' }`. Nothing is installed where
 * all are there; where none can be, the error names what to install.
 */
export async function installDebian(packages: Readonly<Record<string, string>>): Promise<void> {
  const missing = Object.entries(packages).filter(([program]) => !hasProgram(program));
  if (missing.length === 0) return;
  const names = missing.map(([, name]) => name);
  if (!hasProgram('apt-get') || process.getuid?.() !== 0) {
    throw new Error(`Install these first: ${names.join(', ')}.`);
  }
  // A daemon that a package brings is started by whoever needs it, not by its installation.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await runToEnd('apt-get', ['update', '-qq'], { env });
  await runToEnd('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], { env });
}

/** Whether a program is on the path, or where daemons are. */
export function hasProgram(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
