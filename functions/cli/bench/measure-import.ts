import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '#functions/cli/deploy/run-command.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';
import type { EngineTask } from './engine-task.ts';
import { type ModelShape, writeSources } from './model-sources.ts';
import { fillPageCache } from './page-cache.ts';
import type { TaskRecord } from './run-task.ts';

/**
 * An import beside `cp -r`, which writes the same bytes to the same disk a moment later. Both find
 * what they read in the page cache.
 */
export interface ImportRecord {
  readonly bytes: number;
  readonly seconds: number;
  readonly copySeconds: number;
  /** The import's speed as a share of cp's. */
  readonly speedOfCopy: number;
  readonly peakAnonymousBytes: number;
}

/** What is imported, and to which type. */
export interface Imported extends ModelShape {
  readonly dtype: Manifest['dtype'];
}

/**
 * Makes the package that is measured, in `folder`.
 *
 * @param perform does a task in a process that is watched
 * @throws the signal's reason once it is aborted
 */
export async function measureImport(
  { dtype, ...model }: Imported,
  folder: string,
  perform: (task: EngineTask) => Promise<TaskRecord>,
  signal: AbortSignal,
): Promise<{ model: string; record: ImportRecord }> {
  const out = join(folder, 'package');
  const { source, remove } = await writeSources(model, folder, perform);
  await settle(folder);
  const { phases, result } = await perform({ kind: 'import', ...source, out, dtype });
  remove();
  const copySeconds = await timeCopy(out, join(folder, 'copy'), signal);
  const { seconds = 0, peakAnonymousBytes = 0 } = phases.at(-1) ?? {};
  const { bytes } = result as { bytes: number };
  const speedOfCopy = copySeconds / seconds;
  return { model: out, record: { bytes, seconds, copySeconds, speedOfCopy, peakAnonymousBytes } };
}

async function timeCopy(folder: string, target: string, signal: AbortSignal): Promise<number> {
  // The import, too, found there what it read.
  await fillPageCache(folder, signal);
  await settle(folder);
  const started = performance.now();
  await runCommand('cp', ['-r', folder, target], { cwd: folder });
  const seconds = (performance.now() - started) / 1000;
  rmSync(target, { recursive: true });
  return seconds;
}

/** Waits until the disk has what was written before, which would slow down what comes next. */
async function settle(folder: string): Promise<void> {
  await runCommand('sync', [], { cwd: folder });
}
