import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { FORMER_RECIPE } from '#shared/core/recipe.ts';
import { importModel } from '#shared/engine/package/import-model.ts';
import { type Manifest, readManifest, recipeOf } from '#shared/engine/package/manifest.ts';
import { encodeImage } from '#shared/engine/pipeline/encode-image.ts';
import { torchRandn } from '#shared/engine/pipeline/noise.ts';
import {
  type EdgeTensor,
  loadSessions,
  type ModelSessions,
} from '#shared/engine/pipeline/sessions.ts';
import { createMarking } from '#shared/provenance/marking.ts';
import type { EngineMessage, EngineTask } from './engine-task.ts';
import { machineRate } from './machine-rate.ts';
import { writeRandomDecoders, writeRandomRepository } from './random-repository.ts';

/** The process that does the work of `bench engine`: the one task in its argument. */
const send = (message: EngineMessage): void => {
  process.send?.(message);
};

/** Times a piece of work, once the parent is ready to watch it. */
async function phase<T>(name: string, work: () => Promise<T>): Promise<T> {
  const ready = once(process, 'message');
  send({ kind: 'begin', phase: name });
  await ready;
  const started = performance.now();
  const result = await work();
  send({ kind: 'end', seconds: (performance.now() - started) / 1000 });
  return result;
}

async function perform(task: EngineTask): Promise<unknown> {
  if (task.kind === 'rate') return machineRate();
  if (task.kind === 'write') {
    return phase('write', () => writeRandomRepository(task.repository, task.tokenizers));
  }
  if (task.kind === 'write-decoders') {
    return phase('write', () => writeRandomDecoders(task.folder));
  }
  if (task.kind === 'run') return runImages(task);
  const { kind: _, ...sources } = task;
  const facts = { name: 'bench', recipe: FORMER_RECIPE, processId: process.pid };
  const options = { ...sources, ...facts };
  const { files } = await phase('import', () => importModel(options));
  return { bytes: Object.values(files).reduce((sum, file) => sum + file.bytes, 0) };
}

async function runImages(task: EngineTask & { kind: 'run' }): Promise<unknown> {
  const manifest = readManifest(task.model);
  const { side, device, profile } = task;
  const options = { device, profile };
  const sessions = await phase('load', () => loadSessions(task.model, manifest, options));
  let pixelsSha256 = '';
  for (let run = 0; run < task.runs; run += 1) {
    const pixels = await drawImage(sessions, manifest, side);
    pixelsSha256 = createHash('sha256').update(pixels).digest('hex');
    writeFileSync(task.pixels, pixels);
  }
  await sessions.close();
  return { width: side, height: side, pixelsSha256 };
}

async function drawImage(
  sessions: ModelSessions,
  manifest: Manifest,
  side: number,
): Promise<Uint8Array> {
  const [first, second] = manifest.text.tokenizers;
  const { context, pooled } = await phase('text', () =>
    sessions.run('text', { ids_1: emptyPrompt(first), ids_2: emptyPrompt(second) }),
  );
  const { latentChannels } = manifest.vae;
  const latentSide = side / manifest.size.multiple;
  const dims = [1, latentChannels, latentSide, latentSide];
  const latents = { data: torchRandn(0, latentChannels * latentSide ** 2), dims };
  const time_ids = { data: Float32Array.of(side, side, 0, 0, side, side), dims: [1, 6] };
  const { x0 } = await phase('unet', () =>
    sessions.run('unet', { latents, context: given(context), pooled: given(pooled), time_ids }),
  );
  const { pixels } = await phase('vae', () => sessions.run('vae', { x0: given(x0) }));
  if (manifest.draft !== undefined) {
    await phase('draft', () => sessions.run('draft', { x0: given(x0) }));
  }
  const image = { seed: 0, width: side, height: side, pixels: given(pixels).data as Uint8Array };
  const { name, digest } = manifest;
  const marking = await createMarking(new Uint8Array(32));
  const model = { name, digest, recipe: recipeOf(manifest) };
  const options = { format: 'png', quality: 100, prompt: '', model, marking } as const;
  await phase('encode', () => encodeImage(image, options));
  return image.pixels;
}

type TokenizerFacts = Manifest['text']['tokenizers'][number];

function emptyPrompt({ bosId, eosId, padId, maxLength }: TokenizerFacts): EdgeTensor {
  const data = new Int32Array(maxLength).fill(padId);
  data.set([bosId, eosId]);
  return { data, dims: [1, maxLength] };
}

function given(tensor: EdgeTensor | undefined): EdgeTensor {
  if (tensor === undefined) throw new Error('A graph has no such output.');
  return tensor;
}

try {
  send({ kind: 'done', result: await perform(JSON.parse(process.argv[2] ?? '')) });
} catch (error) {
  send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
process.disconnect?.();
