import { join } from 'node:path';
import type { EngineTask } from '#functions/cli/bench/engine-task.ts';
import { type ModelShape, writeSources } from '#functions/cli/bench/model-sources.ts';
import { fillPageCache } from '#functions/cli/bench/page-cache.ts';
import { type PhaseRecord, runTask } from '#functions/cli/bench/run-task.ts';
import type { PeerReport } from './peer-report.ts';

/** What is measured of Onestep, and the type of its package. */
export const ONESTEP_KINDS = { 'onestep-fp32': 'fp32', 'onestep-int8': 'int8' } as const;
export type OnestepKind = keyof typeof ONESTEP_KINDS;

export const isOnestep = (kind: string): kind is OnestepKind => Object.hasOwn(ONESTEP_KINDS, kind);

/** What each process draws. */
export interface Drawn extends ModelShape {
  /** Pixels. */
  readonly side: number;
  readonly pictures: number;
}

/**
 * Makes a package for each kind in `folder`, all from the same weights.
 *
 * @throws the signal's reason once it is aborted
 */
export async function makePackages(
  kinds: readonly OnestepKind[],
  model: ModelShape,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const perform = (task: EngineTask) => runTask(task, signal, () => undefined);
  const { source, remove } = await writeSources(model, folder, perform);
  for (const kind of kinds) {
    const out = join(folder, kind);
    await perform({ kind: 'import', ...source, out, dtype: ONESTEP_KINDS[kind] });
  }
  remove();
}

/**
 * Draws in a process of its own, as `onestep bench engine` does. With the small decoder, memory is that of
 * both decoders, for both are loaded and draw.
 *
 * @param folder with the packages
 * @throws the signal's reason once it is aborted
 */
export async function drawOnestep(
  kind: OnestepKind,
  { side, pictures, decoder }: Drawn,
  folder: string,
  signal: AbortSignal,
): Promise<PeerReport> {
  const model = join(folder, kind);
  // The peers make their weights in memory and wait for no disk, either.
  await fillPageCache(model, signal);
  const pixels = join(folder, 'drawn.rgb');
  const task = { kind: 'run', model, device: 'cpu', side, runs: pictures, pixels } as const;
  const { phases } = await runTask(task, signal, () => undefined);
  const most = (field: 'peakRssBytes' | 'peakAnonymousBytes') =>
    Math.max(...phases.map((record) => record[field]));
  return {
    kind,
    decoder,
    side,
    unet: secondsOf('unet', phases),
    decoderSeconds: secondsOf(decoder === 'tiny' ? 'draft' : 'vae', phases),
    peakRssBytes: most('peakRssBytes'),
    peakAnonymousBytes: most('peakAnonymousBytes'),
  };
}

const secondsOf = (name: string, phases: readonly PhaseRecord[]): number[] =>
  phases
    .filter(({ phase }) => phase === name)
    .map(({ seconds }) => Math.round(seconds * 100) / 100);
