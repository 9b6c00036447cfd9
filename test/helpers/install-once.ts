import { spawn } from 'node:child_process';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A folder outside the tree, so that a clean clone finds what an earlier one installed. */
export function cacheFolder(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), name);
}

/** Installs into a folder unless that was done; a marker tells a finished one from one cut off. */
export async function installOnce(
  folder: string,
  install: (folder: string) => Promise<void>,
): Promise<void> {
  const marker = join(folder, '.installed');
  if (await exists(marker)) return;
  process.stderr.write(`Installing ${folder} …\n`);
  const begun = Date.now();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await install(folder);
  await writeFile(`${marker}.part`, '');
  await rename(`${marker}.part`, marker);
  process.stderr.write(`${folder}: ${Math.round((Date.now() - begun) / 1000)} s\n`);
}

/** Makes a virtual environment of pinned Python packages. */
export async function installPython(folder: string, packages: readonly string[]): Promise<void> {
  await runToEnd('python3', ['-m', 'venv', folder]);
  await runToEnd(join(folder, 'bin', 'pip'), ['install', '--quiet', ...packages]);
}

export async function runToEnd(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<void> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
