import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';

/**
 * Fails early, before any work, when a file can't be written where the user wants it.
 *
 * @throws AppError `invalid-request` naming the folder or the file
 */
export function assertWritable(path: string): void {
  if (path.endsWith('/')) {
    throw new AppError(
      'invalid-request',
      `${path} cannot be written: it names a folder; add the file's name.`,
    );
  }
  const folder = dirname(path);
  try {
    // A link to nothing is made into a file by writing through it.
    if (!isWrittenThrough(path)) accessSync(folder, constants.W_OK | constants.X_OK);
    else if (existsSync(path)) accessSync(path, constants.W_OK);
  } catch (cause) {
    const why =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'is not writable';
    throw new AppError(
      'invalid-request',
      `${path} cannot be written: the folder ${folder} ${why}.`,
      {
        cause,
      },
    );
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new AppError('invalid-request', `${path} cannot be written: it is a folder.`);
  }
}

/** Pipes, devices and symbolic links stay what they are: what is written goes through them. */
function isWrittenThrough(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isFile() && !stat.isDirectory();
}

/**
 * Writes a file whole or not at all: into a temporary sibling, which then takes its name. Pipes,
 * devices and links are written through.
 */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  // A handler makes a signal wait until the file has its name.
  let interrupted: NodeJS.Signals | undefined;
  const remember = (signal: NodeJS.Signals) => {
    interrupted = signal;
  };
  process.on('SIGINT', remember).on('SIGTERM', remember);
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  try {
    if (isWrittenThrough(path)) writeFileSync(path, bytes);
    else {
      writeFileSync(temporary, bytes);
      renameSync(temporary, path);
    }
  } catch (cause) {
    const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC';
    throw new AppError(
      full ? 'disk-full' : 'invalid-request',
      `${path} cannot be written: ${(cause as Error).message}`,
      { cause },
    );
  } finally {
    rmSync(temporary, { force: true });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('SIGINT', remember).off('SIGTERM', remember);
    if (interrupted !== undefined) process.kill(process.pid, interrupted);
  }
}
