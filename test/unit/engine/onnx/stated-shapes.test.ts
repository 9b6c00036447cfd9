import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { SDXL_CONFIGS } from '#functions/cli/bench/sdxl-shape.ts';
import { buildGraph, type Graph } from '#shared/engine/onnx/graph.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { cpuTarget } from '#shared/engine/onnx/sdxl/cpu-target.ts';
import { vaeGraph } from '#shared/engine/onnx/sdxl/graphs.ts';
import { readVaeConfig } from '#shared/engine/onnx/sdxl/vae-config.ts';
import { isStated } from '#shared/engine/onnx/shape.ts';
import { statedShapes } from '#shared/engine/onnx/stated-shapes.ts';
import { tensorBytes } from '#shared/engine/onnx/stored-tensor.ts';
import type { OutputType, Var } from '#shared/engine/onnx/value.ts';
import { buildDeviceGraphs, readModelConfig } from '#shared/engine/package/build-graphs.ts';
import { openRepository } from '#shared/engine/package/repository.ts';
import { fromRoot } from '#test/helpers/root.ts';

/** Sizes of a graph's named dimensions: other images, batches and texts each time. */
type Sizes = Readonly<Record<string, number>>;

const SIZES: readonly Sizes[] = [
  { batch: 1, rows: 1, tokens: 5, h: 18, w: 23 },
  { batch: 3, rows: 3, tokens: 7, h: 17, w: 16 },
];

/** Every value that the graph's nodes make, by its name, as the nodes tell its shape. */
function madeValues({ nodes }: Graph): ReadonlyMap<string, Var> {
  const made = nodes.flatMap(({ node, outputs }) =>
    node.outputs.map(({ type, shape }, output): [string, Var] => [
      outputs[output] ?? '',
      { type, shape, origin: { kind: 'node', node, output } },
    ]),
  );
  return new Map(made.filter(([name]) => name !== ''));
}

/** A session of a graph whose weights are zeros. */
async function sessionOf(graph: Graph, options: InferenceSession.SessionOptions) {
  const bytes = graph.stored.map(({ value }) =>
    value.origin.kind === 'stored' ? tensorBytes(value.origin.tensor) : 0,
  );
  const zeros = { file: 'zeros', offset: 0 };
  const model = encodeModel(graph, () => zeros, { stateShapes: true });
  const data = new Uint8Array(Math.max(0, ...bytes));
  return await InferenceSession.create(model, {
    externalData: [{ path: zeros.file, data }],
    logSeverityLevel: 3,
    ...options,
  });
}

/** Zeros for a graph's inputs. */
function feedsOf(graph: Graph, sizes: Sizes): Record<string, Tensor> {
  const feeds = graph.inputs.map(({ name, value: { type, shape } }): [string, Tensor] => {
    const dims = shape.map((dim) => (typeof dim === 'number' ? dim : (sizes[dim] ?? 0)));
    const count = dims.reduce((a, b) => a * b, 1);
    return type === 'INT32'
      ? [name, new Tensor('int32', new Int32Array(count), dims)]
      : [name, new Tensor('float32', new Float32Array(count), dims)];
  });
  return Object.fromEntries(feeds);
}

/** What a graph tells wrongly when it runs at these sizes, value by value. */
async function faults(graph: Graph): Promise<readonly string[]> {
  const values = madeValues(graph);
  const inputs = graph.inputs.map(({ value }) => value);
  const all = buildGraph('all', inputs, Object.fromEntries(values));
  const session = await sessionOf(all, { graphOptimizationLevel: 'disabled' });
  const found: string[] = [];
  try {
    for (const sizes of SIZES) {
      const real = await session.run(feedsOf(graph, sizes));
      const meant = new Map(Object.entries(sizes));
      for (const [name, { shape }] of values) {
        const dims = real[name]?.dims ?? [];
        if (isStated(shape)) found.push(...wrongSizes(name, shape, dims, meant));
      }
    }
  } finally {
    await session.release();
  }
  return found;
}

/** @param meant what each name stands for; names that are met for the first time are added */
function wrongSizes(
  name: string,
  shape: OutputType['shape'],
  real: readonly number[],
  meant: Map<string, number>,
): readonly string[] {
  if (shape.length !== real.length) return [`${name} has ${real.length} axes`];
  return shape.flatMap((dim, axis) => {
    const size = real[axis] ?? 0;
    const known = typeof dim === 'number' ? dim : (meant.get(dim) ?? size);
    if (typeof dim === 'string') meant.set(dim, known);
    return known === size ? [] : [`${name} of [${real}]: ${dim} is ${known} elsewhere`];
  });
}

/** Runs a graph as a package's: memory that is given to a value of another size is an error. */
async function runs(graph: Graph): Promise<void> {
  const session = await sessionOf(graph, { enableMemPattern: false });
  try {
    for (const sizes of SIZES) await session.run(feedsOf(graph, sizes));
  } finally {
    await session.release();
  }
}

const configOf = (folder: string) => readModelConfig(openRepository(fromRoot(folder)));

describe.each([
  ['test/fixtures/tiny/repo', ['fp32', 'int8']],
  ['test/fixtures/odd/repo', ['fp32', 'fp16']],
  ['models/demo/repo', ['fp32', 'int8']],
] as const)('the shapes that the UNet of %s tells,', (folder, dtypes) => {
  it.each(dtypes)('%s, are those that it has at any size', async (dtype) => {
    const { graph } = buildDeviceGraphs(configOf(folder), dtype).cpu.unet;
    expect(await faults(graph)).toEqual([]);
    await runs(graph);
    const told = statedShapes(graph).length;
    // Images are left out, and Winograd's tiles.
    expect(told / madeValues(graph).size).toBeGreaterThan(0.4);
  });
});

describe('the shapes that other graphs tell are those that they have at any size:', () => {
  const { text, vae } = buildDeviceGraphs(configOf('models/demo/repo'), 'fp32').cpu;

  it.each([
    ['text', text],
    ['vae', vae],
  ] as const)('%s', async (_, { graph }) => {
    expect(await faults(graph)).toEqual([]);
  });

  it('a decoder in bands', async () => {
    const blocks = SDXL_CONFIGS.vae.up_block_types.slice(1);
    const narrow = { up_block_types: blocks, block_out_channels: blocks.map(() => 128) };
    const config = readVaeConfig(
      { ...SDXL_CONFIGS.vae, ...narrow, layers_per_block: 1 },
      'config.json',
    );
    expect(await faults(vaeGraph(cpuTarget, 'FLOAT', config).graph)).toEqual([]);
  });
});
