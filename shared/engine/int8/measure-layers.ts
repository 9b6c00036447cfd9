import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '#shared/core/errors.ts';
import type { Checkpoint } from '#shared/engine/checkpoint/tensor.ts';
import { encodeModel, type Place } from '#shared/engine/onnx/model-proto.ts';
import { type Int8Errors, int8Errors } from '#shared/engine/onnx/sdxl/int8-errors.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import type { ModelConfig } from '#shared/engine/package/build-graphs.ts';
import { loadOnnxRuntime } from '#shared/engine/package/onnx-runtime.ts';
import { PackageWriter } from '#shared/engine/package/package-writer.ts';
import { layOutWeights, writeWeights } from '#shared/engine/package/weight-file.ts';
import { storedTensors } from '#shared/engine/package/write-graphs.ts';
import type { EdgeTensor } from '#shared/engine/pipeline/sessions.ts';
import { couldOverflow } from '#shared/engine/pipeline/integer-products.ts';
import type { Stages } from '#shared/engine/pipeline/pipeline.ts';

/** What is measured: a float32 package of the model, and what its UNet was given. */
export interface Measured {
  /** Holds the package and takes the graph that measures it. */
  readonly folder: string;
  /** The package's UNet weights, by their path in `folder`. */
  readonly weightFile: string;
  readonly weights: Checkpoint;
  readonly config: ModelConfig;
  readonly stages: readonly Stages[];
  readonly signal?: AbortSignal | undefined;
}

const INT8_FILE = 'int8.safetensors';
const GRAPH_FILE = 'errors.onnx';

/**
 * Runs the UNet once for each picture in float32, and each of its linear layers in int8 beside.
 *
 * @returns squared error of each layer as a share of its squared output, the mean of all pictures
 */
export async function measureLayers(measured: Measured): Promise<ReadonlyMap<string, number>> {
  const { config } = measured;
  const [, second] = config.clip;
  const made = int8Errors(config.unet, second.projection_dim, config.step);
  await writeGraph(measured, made);
  const { InferenceSession, Tensor } = await loadOnnxRuntime();
  const session = await InferenceSession.create(join(measured.folder, GRAPH_FILE), {
    enableMemPattern: false,
    extra: {
      session: { disable_prepacking: '1', x64quantprecision: couldOverflow() ? '1' : '0' },
    },
  });
  const given = ({ data, dims }: EdgeTensor) => new Tensor('float32', data as Float32Array, dims);
  const found: Float32Array[] = [];
  try {
    for (const { latents_in, context, pooled, time_ids } of measured.stages) {
      measured.signal?.throwIfAborted();
      const { errors } = await session.run({
        latents: given(latents_in),
        context: given(context),
        pooled: given(pooled),
        time_ids: given(time_ids),
      });
      found.push(errors?.data as Float32Array);
    }
  } finally {
    await session.release();
    for (const file of [GRAPH_FILE, INT8_FILE]) rmSync(join(measured.folder, file));
  }
  return new Map(
    made.layers.map((name, i) => {
      const all = found.map((errors) => errors[i] ?? Number.NaN);
      return [name, all.reduce((a, b) => a + b, 0) / all.length];
    }),
  );
}

/** Writes what the package lacks: the graph, and weights in int8. */
async function writeGraph(measured: Measured, made: Int8Errors): Promise<void> {
  const { folder, weights, weightFile, signal } = measured;
  const writer = new PackageWriter(folder);
  const layout = layOutWeights(
    storedTensors(made).filter(({ name }) => !weights.tensors.has(name)),
  );
  const sourceOf = ({ source }: StoredTensor) => {
    const tensor = weights.tensors.get(source.name);
    assert(tensor !== undefined, `the package has ${source.name}`);
    return tensor;
  };
  const locate = ({ name }: StoredTensor): Place => {
    const offset = layout.offsets.get(name);
    if (offset !== undefined) return { file: INT8_FILE, offset };
    const there = weights.tensors.get(name)?.offset;
    assert(there !== undefined, `the package has ${name}`);
    return { file: weightFile, offset: there };
  };
  try {
    await writer.create(INT8_FILE, layout.sizeBytes, (file) =>
      writeWeights(layout, file, sourceOf, () => signal?.throwIfAborted()),
    );
    await writer.put(GRAPH_FILE, encodeModel(made.graph, locate));
  } finally {
    await writer.close();
  }
}
