import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import { isProcessMark, isRunning, processMark } from '#shared/core/running-process.ts';
import { MANIFEST_FILE } from './manifest.ts';

/**
 * Makes a folder whole or not at all: `fill` writes into a temporary sibling, which then takes the
 * target's name. An existing model package is replaced; anything else is refused. The next run removes
 * what a killed one left behind.
 *
 * @param processId tells the temporary folders of several runs apart
 */
export async function makeFolder<T>(
  target: string,
  processId: number,
  fill: (folder: string) => Promise<T>,
): Promise<T> {
  assertReplaceable(target);
  return withTemporaryFolder(target, processId, async (folder) => {
    const result = await fill(folder);
    replace(folder, resolve(target));
    return result;
  });
}

/** @throws AppError `conflict` if something is there that is no model package */
export function assertReplaceable(target: string): void {
  const path = resolve(target);
  if (!existsSync(path) || existsSync(join(path, MANIFEST_FILE)) || isEmptyFolder(path)) return;
  throw new AppError(
    'conflict',
    `${target} exists and is not a model package; name another place or remove it.`,
  );
}

/**
 * Lends a folder beside the target, which is removed in the end; if this process is killed, by the next
 * run with the same target.
 */
export async function withTemporaryFolder<T>(
  target: string,
  processId: number,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const path = resolve(target);
  const mark = processMark(processId);
  const temporary = `${temporaryPrefix(path)}${mark}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    removeStale(path, mark);
    mkdirSync(temporary);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('invalid-request', `${target} can't be made: ${problem}`, { cause });
  }
  try {
    return await use(temporary);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Suffix of a package that is being replaced. */
const OLD = '.old';

const temporaryPrefix = (path: string): string => join(dirname(path), `.${basename(path)}.import-`);

const isEmptyFolder = (path: string): boolean => {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
};

function replace(temporary: string, path: string): void {
  if (existsSync(path)) {
    const old = `${temporary}${OLD}`;
    renameSync(path, old);
    renameSync(temporary, path);
    rmSync(old, { recursive: true, force: true });
    return;
  }
  renameSync(temporary, path);
}

/** Removes temporary folders of runs that have ended. */
function removeStale(path: string, mark: string): void {
  const prefix = basename(temporaryPrefix(path));
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(prefix)) continue;
    const owner = basename(name.slice(prefix.length), OLD);
    if (!isProcessMark(owner) || (owner !== mark && isRunning(owner))) continue;
    rmSync(join(dirname(path), name), { recursive: true, force: true });
  }
}
