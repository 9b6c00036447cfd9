import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { SDXL_CONFIGS } from '#functions/cli/bench/sdxl-shape.ts';
import { buildGraph, type Graph } from '#shared/engine/onnx/graph.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { add } from '#shared/engine/onnx/ops/elementwise.ts';
import {
  bandsOf,
  halved,
  hasBands,
  heightOf,
  inBands,
  isBanded,
  MIN_BANDED_LATENTS,
  perBand,
  withNeighbours,
} from '#shared/engine/onnx/sdxl/bands.ts';
import { cpuTarget, cpuTargetOfAnySize } from '#shared/engine/onnx/sdxl/cpu-target.ts';
import { vaeGraph } from '#shared/engine/onnx/sdxl/graphs.ts';
import { Scope } from '#shared/engine/onnx/sdxl/scope.ts';
import { readVaeConfig } from '#shared/engine/onnx/sdxl/vae-config.ts';
import { input, type Var } from '#shared/engine/onnx/value.ts';

const x = input('x', 'FLOAT', ['n', 64, 'h', 'w']);
const banded = inBands(x);

/** Runs a graph whose stored tensors all have these values. */
async function run(
  outputs: Record<string, Var>,
  image: Tensor,
  stored = new Float32Array(0),
): Promise<Readonly<Record<string, Tensor>>> {
  const graph = buildGraph('bands', [x], outputs);
  const names = new Set(
    graph.stored.map(({ value }) =>
      value.origin.kind === 'stored' ? value.origin.tensor.name : '',
    ),
  );
  const model = encodeModel(graph, ({ name }) => ({ file: name, offset: 0 }));
  const externalData = [...names].map((path) => ({ path, data: new Uint8Array(stored.buffer) }));
  const session = await InferenceSession.create(model, { externalData });
  const results = await session.run({ x: image });
  await session.release();
  return results;
}

const valuesOf = (tensor: Tensor | undefined): number[] => [
  ...((tensor?.data ?? []) as Float32Array),
];

/** Images of numbers in −1…1 that look random, plus a constant. */
function picture(batch: number, height: number, width: number, plus = 0): Tensor {
  const count = batch * 64 * height * width;
  const data = Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) + plus);
  return new Tensor('float32', data, [batch, 64, height, width]);
}

describe('an image in bands', () => {
  it('is the image again when it is joined', async () => {
    const image = picture(2, 76, 3);
    const { y } = await run({ y: banded }, image);
    expect(y?.dims).toEqual([2, 64, 76, 3]);
    expect(y?.data).toEqual(image.data);
    expect(inBands(banded)).toBe(banded);
  });

  it.each([64, 68, 100, 1024])('has bands of at least a tile, of %i rows', async (height) => {
    const bands = bandsOf(banded).map((band, index) => [`band${index}`, band] as const);
    const results = await run(Object.fromEntries(bands), picture(1, height, 1));
    const heights = bands.map(([name]) => results[name]?.dims[2] ?? 0);
    expect(heights.reduce((sum, rows) => sum + rows)).toBe(height);
    expect(heights.every((rows) => rows > 0 && rows % 4 === 0)).toBe(true);
    const { rows } = await run({ rows: heightOf(banded) }, picture(1, height, 1));
    expect(rows?.data).toEqual(BigInt64Array.of(BigInt(height)));
  });

  it.each([64, 68, 100])('can have each of its bands halved, of %i rows', async (height) => {
    const halves = bandsOf(halved(banded)).map((band, index) => [`band${index}`, band] as const);
    const outputs = { ...Object.fromEntries(halves), whole: halved(banded) };
    const image = picture(1, height, 1);
    const results = await run(outputs, image);
    const heights = halves.map(([name]) => results[name]?.dims[2] ?? 0);
    expect(heights).toHaveLength(2 * bandsOf(banded).length);
    expect(heights.every((rows) => rows > 0 && rows % 4 === 0)).toBe(true);
    expect(results['whole']?.data).toEqual(image.data);
  });

  it('shows each band the rows above and below it', async () => {
    const seen = withNeighbours(banded);
    expect(seen.map(({ isFirst }) => isFirst).indexOf(true)).toBe(0);
    expect(seen.filter(({ isLast }) => isLast)).toEqual([seen.at(-1)]);
    const named = Object.fromEntries(seen.map(({ rows }, index) => [`band${index}`, rows]));
    const results = await run(named, picture(1, 64, 1));
    const heights = seen.map((_, index) => results[`band${index}`]?.dims[2]);
    expect(heights).toEqual([9, ...Array.from({ length: 6 }, () => 10), 9]);
    // Rows 7 to 16 of the first channel.
    expect(valuesOf(results['band1']).slice(0, 10)).toEqual(
      Array.from({ length: 10 }, (_, i) => Math.fround(Math.sin((i + 7) * 12.9898))),
    );
  });

  it('stays in bands where each is treated by itself', async () => {
    const sum = perBand(add, banded, banded);
    expect(isBanded(sum)).toBe(true);
    expect(sum.shape).toEqual(x.shape);
    // With one that has none, it is joined.
    expect(isBanded(perBand(add, banded, x))).toBe(false);
    const image = picture(1, 64, 2);
    const { y, z } = await run({ y: sum, z: perBand(add, banded, x) }, image);
    const doubled = (image.data as Float32Array).map((value) => value * 2);
    expect([y?.data, z?.data]).toEqual([doubled, doubled]);
  });

  it('is no value that happens to be joined along another axis, or of tokens', () => {
    expect(isBanded(cpuTarget.concatChannels(x, x))).toBe(false);
  });
});

describe('group normalisation of an image in bands', () => {
  it.each([0, 1000])('is that of the whole image, of values about %i', async (plus) => {
    const weights = Float32Array.from({ length: 64 }, (_, i) => 1 + i / 64);
    const scope = Scope.of('vae', 'FLOAT');
    const layer = (image: Var) =>
      cpuTarget.groupNorm(image, scope, 64, { groups: 32, epsilon: 1e-6, activation: 'silu' });
    const image = picture(2, 68, 5, plus);
    const { whole, parts } = await run({ whole: layer(x), parts: layer(banded) }, image, weights);
    const expected = valuesOf(whole);
    const differences = valuesOf(parts).map((v, i) => Math.abs(v - (expected[i] ?? Number.NaN)));
    expect(parts?.dims).toEqual(whole?.dims);
    // Float32 has four digits after the point of a thousand.
    expect(Math.max(...differences)).toBeLessThan(plus === 0 ? 2e-5 : 2e-3);
  });
});

describe("SDXL's decoder", () => {
  const config = readVaeConfig(SDXL_CONFIGS.vae, 'config.json');
  const { graph } = vaeGraph(cpuTarget, 'FLOAT', config);

  /** The bands that are joined to images, by their channels. */
  const joints = ({ nodes }: Graph): unknown[] =>
    nodes
      .filter(({ node }) => node.opType === 'Concat' && node.inputs.length > 3)
      .filter(({ node }) => node.inputs[0]?.shape.length === 4)
      .map(({ node }) => node.inputs[0]?.shape[1]);

  it('joins its bands once, when they have become pixels', () => {
    expect(hasBands(graph)).toBe(true);
    expect(joints(graph)).toEqual([3]);
  });

  it('has none for images of any size', () => {
    expect(MIN_BANDED_LATENTS).toBe(16);
    expect(hasBands(vaeGraph(cpuTargetOfAnySize, 'FLOAT', config).graph)).toBe(false);
  });
});
