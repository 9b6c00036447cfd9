import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineTask, Shape } from './engine-task.ts';
import type { TaskRecord } from './run-task.ts';

const DEMO = fileURLToPath(new URL('../../../models/demo', import.meta.url));

/** A model to measure; `tiny` brings a second, small decoder of random weights. */
export interface ModelShape {
  readonly shape: Shape;
  readonly decoder: 'vae' | 'tiny';
}

type ImportTask = EngineTask & { readonly kind: 'import' };

/** What a package of that shape is imported from. */
export interface ModelSources {
  readonly source: Omit<ImportTask, 'kind' | 'out' | 'dtype'>;
  /** Frees room on the disk and in the page cache. */
  remove(): void;
}

/**
 * Writes what the shape needs and the demo model lacks, into `folder`.
 *
 * @param perform does a task in a process of its own
 */
export async function writeSources(
  { shape, decoder }: ModelShape,
  folder: string,
  perform: (task: EngineTask) => Promise<TaskRecord>,
): Promise<ModelSources> {
  const written = join(folder, 'repository');
  const tokenizers = join(DEMO, 'repo');
  if (shape === 'sdxl') await perform({ kind: 'write', repository: written, tokenizers });
  const small = join(folder, 'decoders');
  const hasSmall = shape === 'decoders' || decoder === 'tiny';
  if (hasSmall) await perform({ kind: 'write-decoders', folder: small });
  const demo = { repository: tokenizers, unet: join(DEMO, 'onestep_unet.bin') };
  const sources = {
    sdxl: { repository: written },
    decoders: { ...demo, vae: join(small, 'vae') },
    demo,
  };
  const draft = hasSmall ? { draftVae: join(small, 'draft') } : {};
  return {
    source: { ...sources[shape], ...draft },
    remove() {
      for (const place of [written, small]) rmSync(place, { recursive: true, force: true });
    },
  };
}
