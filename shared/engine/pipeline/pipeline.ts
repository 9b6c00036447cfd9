import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import { type Manifest, readManifest, recipeOf } from '#shared/engine/package/manifest.ts';
import { ENGINE_VERSION } from './engine-version.ts';
import { imageSeed, torchRandn } from './noise.ts';
import { assertPictureSize } from './picture-size.ts';
import {
  type EdgeTensor,
  loadSessions,
  type ModelSessions,
  type SessionOptions,
} from './sessions.ts';
import { loadTokenizer, type Tokenizer } from './tokenizer.ts';

/** What to draw. */
export interface PictureRequest {
  readonly prompt: string;
  /** Image i is drawn from seed + i (mod 2³²) and equals its single run. */
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly numOutputs: number;
  /** `draft`: by the package's smaller decoder. */
  readonly decoder?: 'draft' | undefined;
  /** Asked before each stage but the first; true ends the drawing there. */
  readonly isStopped?: () => Promise<boolean>;
}

/** The tensors between the stages, with the names of diffusers' call of the same model. */
export interface Stages {
  /** int32 `[1, 77]` */
  readonly ids_1: EdgeTensor;
  readonly ids_2: EdgeTensor;
  /** float32 `[1, 77, C]` */
  readonly context: EdgeTensor;
  /** float32 `[1, P]` */
  readonly pooled: EdgeTensor;
  /** float32 `[1, 6]`: original height and width, crop's top and left, target height and width. */
  readonly time_ids: EdgeTensor;
  /** float32 `[1, 4, h, w]`, this image's: standard normal noise */
  readonly latents_in: EdgeTensor;
  /** What the network is given: the noise as the recipe's scheduler scales it */
  readonly unet_in: EdgeTensor;
  /** float32 `[1]` */
  readonly timestep: EdgeTensor;
  /** x₀ divided by the VAE's scaling factor, float32 `[1, 4, h, w]`, this image's */
  readonly vae_in: EdgeTensor;
}

/** One finished picture, not yet encoded. */
export interface Picture {
  readonly index: number;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  /** uint8 RGB, row by row: `height × width × 3`. */
  readonly pixels: Uint8Array;
  /** Milliseconds; the text is encoded once and counted with the first picture. */
  readonly ms: { readonly text: number; readonly unet: number; readonly vae: number };
  readonly stages: Stages;
}

export interface Pipeline {
  readonly manifest: Manifest;
  readonly loadMs: number;
  readonly device: SessionOptions['device'];
  /** Versions that the pixels depend on. */
  readonly versions: Readonly<Record<string, string>>;
  /** What the caller should know before the first picture: the part of a prompt that is cut. */
  warningsFor(prompt: string): string[];
  /**
   * Draws the pictures in order of their index. Equal seeds give equal pixels, alone or in a batch.
   *
   * @throws AppError `invalid-input` for a size that the model can't make, `model-error`,
   *   `out-of-memory`
   */
  generate(request: PictureRequest): AsyncGenerator<Picture, void>;
  close(): Promise<void>;
}

/**
 * Loads a model package: manifest, tokenizers and one session per graph.
 *
 * @param folder the package's folder
 */
export async function loadPipeline(folder: string, options: SessionOptions): Promise<Pipeline> {
  const started = performance.now();
  const manifest = readManifest(folder);
  const [first, second] = manifest.text.tokenizers;
  const tokenizers = [
    loadTokenizer(join(folder, first.folder)),
    loadTokenizer(join(folder, second.folder)),
  ] as const;
  const sessions = await loadSessions(folder, manifest, options);
  const { device } = options;
  return {
    manifest,
    loadMs: performance.now() - started,
    device,
    versions: { onestep: ENGINE_VERSION, onnxruntime: sessions.runtimeVersion },
    warningsFor: (prompt) => cutWarnings(tokenizers[0], prompt),
    generate: (request) => drawPictures({ manifest, tokenizers, sessions, device }, request),
    close: () => sessions.close(),
  };
}

/** Characters of a cut prompt that a warning repeats. */
const SHOWN_CUT = 80;

function cutWarnings(tokenizer: Tokenizer, prompt: string): string[] {
  const { cut, tokens } = tokenizer.encode(prompt);
  if (cut === '') return [];
  const shown = cut.length > SHOWN_CUT ? `${cut.slice(0, SHOWN_CUT)}…` : cut;
  return [
    `The prompt has ${tokens} tokens and the model reads ${tokenizer.length}; this part was cut: "${shown}"`,
  ];
}

interface LoadedModel {
  readonly manifest: Manifest;
  readonly tokenizers: readonly [Tokenizer, Tokenizer];
  readonly sessions: ModelSessions;
  readonly device: SessionOptions['device'];
}

async function* drawPictures(
  { manifest, tokenizers, sessions, device }: LoadedModel,
  request: PictureRequest,
): AsyncGenerator<Picture, void> {
  const { width, height, seed, numOutputs } = request;
  const { multiple } = manifest.size;
  assertPictureSize(width, height, multiple);
  const decoder = request.decoder ?? 'vae';
  const { scalingFactor } = decoderOf(manifest, request.decoder);

  const textStarted = performance.now();
  const ids_1 = promptIds(tokenizers[0], request.prompt);
  const ids_2 = promptIds(tokenizers[1], request.prompt);
  const { context, pooled } = outputsOf(await sessions.run('text', { ids_1, ids_2 }), [
    'context',
    'pooled',
  ]);
  let textMs = performance.now() - textStarted;

  const time_ids: EdgeTensor = {
    data: Float32Array.of(height, width, 0, 0, height, width),
    dims: [1, 6],
  };
  const latentShape = [manifest.vae.latentChannels, height / multiple, width / multiple];
  const batchSize = batchSizeOf(manifest.graphs[device], height / multiple, width / multiple);
  for (let first = 0; first < numOutputs; first += batchSize) {
    const count = Math.min(batchSize, numOutputs - first);
    const seeds = Array.from({ length: count }, (_, i) => imageSeed(seed, first + i));
    if (await request.isStopped?.()) return;
    const latents = noiseBatch(seeds, latentShape);
    const unetStarted = performance.now();
    const conditions = { context: repeatRow(context, count), pooled: repeatRow(pooled, count) };
    const { x0 } = outputsOf(await sessions.run('unet', { latents, ...conditions, time_ids }), [
      'x0',
    ]);
    const unetMs = (performance.now() - unetStarted) / count;
    assertNumbers(x0, 'latents');
    for (const [i, pictureSeed] of seeds.entries()) {
      if (await request.isStopped?.()) return;
      const clean = rowOf(x0, i);
      const vaeStarted = performance.now();
      const decoded = await sessions.run(decoder, { x0: clean });
      const { pixels } = outputsOf(decoded, ['pixels']);
      // Packages from before this check have no such output.
      if (decoded['defect'] !== undefined) assertNumbers(decoded['defect'], 'pixels');
      const vaeMs = performance.now() - vaeStarted;
      yield {
        index: first + i,
        seed: pictureSeed,
        width,
        height,
        pixels: pixels.data as Uint8Array,
        ms: { text: textMs, unet: unetMs, vae: vaeMs },
        stages: {
          ids_1,
          ids_2,
          context,
          pooled,
          time_ids,
          latents_in: rowOf(latents, i),
          unet_in: networkInput(rowOf(latents, i), manifest),
          timestep: { data: Float32Array.of(manifest.schedule.timestep), dims: [1] },
          vae_in: mapped(clean, (value) => value / scalingFactor),
        },
      };
      textMs = 0;
    }
  }
}

/**
 * How many images one run of the UNet takes. A batch saves a sixth of the time while the latents are
 * small, and nothing once one image fills the caches; the result equals single runs to the bit. On
 * CUDA the batch is always one, since ONNX Runtime plans each convolution anew for every new shape; in
 * int8, since what is quantised together has one scale, so that images of a batch would change each other.
 */
function batchSizeOf(
  graphs: Manifest['graphs'][SessionOptions['device']],
  latentHeight: number,
  latentWidth: number,
): number {
  if (graphs?.dialect !== 'cpu-fp32') return 1;
  const fit = Math.floor(BATCH_LATENTS / (latentHeight * latentWidth));
  return Math.min(Math.max(fit, 1), MAX_BATCH);
}

const BATCH_LATENTS = 4096;
const MAX_BATCH = 4;

function noiseBatch(seeds: readonly number[], shape: readonly number[]): EdgeTensor {
  const size = shape.reduce((a, b) => a * b);
  const data = new Float32Array(seeds.length * size);
  for (const [i, seed] of seeds.entries()) data.set(torchRandn(seed, size), i * size);
  return { data, dims: [seeds.length, ...shape] };
}

/** A tensor of one row, repeated `count` times. */
function repeatRow(tensor: EdgeTensor, count: number): EdgeTensor {
  const row = tensor.data as Float32Array;
  const data = new Float32Array(row.length * count);
  for (let i = 0; i < count; i++) data.set(row, i * row.length);
  return { data, dims: [count, ...tensor.dims.slice(1)] };
}

/** Row `index` as a tensor of one row. */
function rowOf(tensor: EdgeTensor, index: number): EdgeTensor {
  const shape = tensor.dims.slice(1);
  const size = shape.reduce((a, b) => a * b);
  return { data: tensor.data.slice(index * size, (index + 1) * size), dims: [1, ...shape] };
}

function promptIds(tokenizer: Tokenizer, prompt: string): EdgeTensor {
  return { data: tokenizer.pad(tokenizer.encode(prompt).ids), dims: [1, tokenizer.length] };
}

function outputsOf<Name extends string>(
  outputs: Readonly<Record<string, EdgeTensor>>,
  names: readonly Name[],
): Record<Name, EdgeTensor> {
  for (const name of names) {
    if (outputs[name] === undefined) throw new Error(`A graph gave no output "${name}"`);
  }
  return outputs as Record<Name, EdgeTensor>;
}

/** @throws AppError `model-error` for values that are no picture */
function assertNumbers({ data }: EdgeTensor, what: string): void {
  if (data.every(Number.isFinite)) return;
  throw new AppError('model-error', `The model's ${what} are not finite numbers.`);
}

/** @throws AppError `invalid-input` for a draft from a package without a draft decoder */
function decoderOf({ name, vae, draft }: Manifest, decoder: PictureRequest['decoder']) {
  if (decoder === undefined) return vae;
  if (draft !== undefined) return draft;
  throw new AppError('invalid-input', `${name} has no decoder for drafts.`, {
    details: { param: 'decoder' },
  });
}

/** The noise as the network sees it: Euler's latents σ·z over √(σ² + 1). */
function networkInput(noise: EdgeTensor, manifest: Manifest): EdgeTensor {
  if (recipeOf(manifest).scheduler !== 'euler') return noise;
  const { sqrtAlpha, sqrtOneMinusAlpha } = manifest.schedule;
  const sigma = sqrtOneMinusAlpha / sqrtAlpha;
  return mapped(noise, (value) => (value * sigma) / Math.sqrt(sigma ** 2 + 1));
}

const mapped = ({ data, dims }: EdgeTensor, change: (value: number) => number): EdgeTensor => ({
  data: Float32Array.from(data, change),
  dims,
});
