import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { fromRoot } from '#test/helpers/root.ts';

/** What one run of a command took, from its start to its end. */
export interface StartTimes {
  readonly cpuMs: number;
  readonly wallMs: number;
}

/**
 * Runs `onestep generate` on the demo model with its marks and without signature and watermark, in turn.
 *
 * @returns the times of each pair
 */
export async function timeGenerate(
  turns: number,
): Promise<{ readonly marked: StartTimes; readonly unmarked: StartTimes }[]> {
  const folder = mkdtempSync(join(tmpdir(), 'onestep-bench-'));
  try {
    const pairs = [];
    // The first pair unpacks the model and fills the caches.
    for (let turn = -1; turn < turns; turn++) {
      const pair = { marked: await runOnce(folder, ''), unmarked: await runOnce(folder, '1') };
      if (turn >= 0) pairs.push(pair);
    }
    return pairs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runOnce(folder: string, unmarked: string): Promise<StartTimes> {
  const words = ['generate', 'a house', '--seed', '1', '--quiet'];
  const files = ['--data', join(folder, 'data'), '--out', join(folder, 'picture.png')];
  const preload = new URL('./measured-start.mjs', import.meta.url).href;
  const launch = fromRoot('functions/cli/launch.mjs');
  const started = performance.now();
  const run = spawn(process.execPath, ['--import', preload, launch, ...words, ...files], {
    env: { ...process.env, ONESTEP_SKIP_INSTALL: '1', BENCH_UNMARKED: unmarked },
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const reported = text(run.stdio[3] as Readable);
  const [code] = await once(run, 'close');
  if (code !== 0) throw new Error(`onestep generate ended with ${code}`);
  return { cpuMs: Number(await reported), wallMs: performance.now() - started };
}
