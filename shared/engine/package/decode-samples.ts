import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from '#shared/core/errors.ts';
import type { Graph } from '#shared/engine/onnx/graph.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { loadOnnxRuntime } from './onnx-runtime.ts';
import { PackageWriter } from './package-writer.ts';
import { layOutWeights, type SourceOf, writeWeights } from './weight-file.ts';
import { storedTensors } from './write-graphs.ts';

/** Latents per side: activations depend on their content, hardly on their number. */
const SIDE = 16;
const SEED = 1;
/** Uniform numbers that add up to a normal one, of mean 6 and variance 1. */
const UNIFORMS = 12;

export interface SampleRun {
  /** Where its temporary files go. */
  readonly folder: string;
  readonly latentChannels: number;
  readonly sourceOf: SourceOf;
  /** The weights' name in an error. */
  readonly file: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decodes a few small latents in float32 on the CPU by a graph that puts out `maxima` of its
 * activations. Weights are mapped from a file, so it takes little memory.
 *
 * @returns the maxima, of each of the latents
 * @throws FormatError when the weights give values that are not finite
 */
export async function maximaOfSamples(
  graph: Graph,
  run: SampleRun,
): Promise<readonly Float32Array[]> {
  const folder = join(run.folder, 'calibration');
  let maxima: readonly Float32Array[];
  const writer = new PackageWriter(folder);
  try {
    const layout = layOutWeights(storedTensors({ graph }));
    await writer.create('weights.safetensors', layout.sizeBytes, (file) =>
      writeWeights(layout, file, run.sourceOf, () => run.signal?.throwIfAborted()),
    );
    const locate = ({ name }: { name: string }) => ({
      file: 'weights.safetensors',
      offset: layout.offsets.get(name) ?? Number.NaN,
    });
    await writer.put('maxima.onnx', encodeModel(graph, locate));
    maxima = await runMaxima(join(folder, 'maxima.onnx'), run.latentChannels);
  } finally {
    await writer.close();
    rmSync(folder, { recursive: true, force: true });
  }
  if (!maxima.every((values) => values.every(Number.isFinite))) {
    throw new FormatError(
      run.file,
      'the decoder gives values that are not finite; download it again',
    );
  }
  return maxima;
}

/** The maxima of each decoded latent in turn: together they would need more memory. */
async function runMaxima(path: string, channels: number): Promise<readonly Float32Array[]> {
  const { InferenceSession, Tensor } = await loadOnnxRuntime();
  const session = await InferenceSession.create(path, {
    // Neither rewritten nor packed: every weight stays in the file.
    graphOptimizationLevel: 'disabled',
    enableMemPattern: false,
    extra: { session: { disable_prepacking: '1', intra_op: { allow_spinning: '0' } } },
  });
  try {
    const results: Float32Array[] = [];
    for (const values of latents(channels)) {
      const x0 = new Tensor('float32', values, [1, channels, SIDE, SIDE]);
      const { maxima } = await session.run({ x0 });
      results.push(maxima?.data as Float32Array);
    }
    return results;
  } finally {
    await session.release();
  }
}

/**
 * What is decoded. The scaling factor gives clean latents a variance of about 1: detail everywhere,
 * the same three times as strong, and flat areas of strong colours.
 */
const KINDS = [
  { deviation: 1, blockSide: 1 },
  { deviation: 3, blockSide: 1 },
  { deviation: 2, blockSide: SIDE / 4 },
] as const;

/** `[channels, SIDE, SIDE]` of each kind, equal on every machine: the digest depends on them. */
function latents(channels: number): Float32Array[] {
  const normal = normalNumbers(SEED);
  return KINDS.map(({ deviation, blockSide }) => {
    const values = new Float32Array(channels * SIDE ** 2);
    const blocks = SIDE / blockSide;
    for (let channel = 0; channel < channels; channel += 1) {
      const drawn = Array.from({ length: blocks ** 2 }, () => normal() * deviation);
      for (let i = 0; i < SIDE ** 2; i += 1) {
        const row = Math.floor(i / SIDE / blockSide);
        const column = Math.floor((i % SIDE) / blockSide);
        values[channel * SIDE ** 2 + i] = drawn[row * blocks + column] ?? 0;
      }
    }
    return values;
  });
}

/** Nearly normal numbers from integers (mulberry32), so that every machine draws the same. */
function normalNumbers(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => {
    let sum = -UNIFORMS / 2;
    for (let i = 0; i < UNIFORMS; i += 1) sum += uniform();
    return sum;
  };
}
