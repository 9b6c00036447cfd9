import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { buildGraph } from '#shared/engine/onnx/graph.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { inBands } from '#shared/engine/onnx/sdxl/bands.ts';
import { cpuTarget } from '#shared/engine/onnx/sdxl/cpu-target.ts';
import { withInt8Convolutions } from '#shared/engine/onnx/sdxl/int8-convolutions.ts';
import { Scope } from '#shared/engine/onnx/sdxl/scope.ts';
import type { Target } from '#shared/engine/onnx/sdxl/target.ts';
import { input, type Var } from '#shared/engine/onnx/value.ts';

const CHANNELS = 8;

/** Numbers in −1…1 that look random. */
const numbers = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 + seed));

interface Layer {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

const LAYER: Layer = {
  weight: numbers(CHANNELS * CHANNELS * 9, 1).map((value) => value / 12),
  bias: numbers(CHANNELS, 2),
};

/** Each channel's outputs are at most 4, so in steps of a 32nd. */
const EXPONENTS = Array.from({ length: CHANNELS }, () => -5);
const INT8 = withInt8Convolutions(cpuTarget, new Map([['conv', EXPONENTS]]));

/** Runs a normalised convolution of a picture of random numbers. */
async function run(
  target: Target,
  { height, width, layer = LAYER, prepare = (x: Var) => x, threads = 2, times = 1 }: RunOptions,
): Promise<number[]> {
  const x = input('x', 'FLOAT', [1, CHANNELS, 'h', 'w']);
  const scope = Scope.of('vae', 'FLOAT');
  const options = { groups: 2, epsilon: 1e-6, activation: 'silu' } as const;
  const norm = { scope: scope.at('norm'), options };
  const shape = { inputs: CHANNELS, outputs: CHANNELS, kernel: 3 };
  const y = target.normConv(prepare(x), norm, scope.at('conv'), shape);
  const graph = buildGraph('layer', [x], { y });
  const values: Record<string, Float32Array> = {
    'conv.weight': layer.weight,
    'conv.bias': layer.bias,
    'norm.weight': new Float32Array(CHANNELS).fill(1),
    'norm.bias': new Float32Array(CHANNELS),
  };
  const files = new Map<string, Uint8Array>();
  for (const { value } of graph.stored) {
    if (value.origin.kind !== 'stored') continue;
    const { name, source, compute } = value.origin.tensor;
    const rows = values[source.name] ?? new Float32Array();
    const { buffer, byteOffset, byteLength } = compute?.(rows, 0) ?? rows;
    files.set(name, new Uint8Array(buffer, byteOffset, byteLength));
  }
  const model = encodeModel(graph, ({ name }) => ({ file: name, offset: 0 }));
  const session = await InferenceSession.create(model, {
    intraOpNumThreads: threads,
    externalData: [...files].map(([path, data]) => ({ path, data })),
  });
  const count = CHANNELS * height * width;
  const data = numbers(count, 3).map((value) => value * times);
  const { y: result } = await session.run({
    x: new Tensor('float32', data, [1, CHANNELS, height, width]),
  });
  await session.release();
  expect(result?.dims).toEqual([1, CHANNELS, height, width]);
  return [...((result?.data ?? []) as Float32Array)];
}

interface RunOptions {
  readonly height: number;
  readonly width: number;
  readonly layer?: Layer;
  readonly prepare?: (x: Var) => Var;
  readonly threads?: number;
  /** The picture's numbers are multiplied by this. */
  readonly times?: number;
}

const largest = (actual: readonly number[], expected: readonly number[]): number =>
  Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))));

describe('a convolution in int8', () => {
  it.each([
    ['an image', 8, 8, undefined],
    ['an odd one', 5, 3, undefined],
    ['one pixel', 1, 1, undefined],
    ['bands', 64, 8, inBands],
    ['bands of several heights', 76, 5, inBands],
  ])('of %s is float32 within a step', async (_, height, width, prepare) => {
    const options = { height, width, ...(prepare && { prepare }) };
    const exact = await run(cpuTarget, options);
    expect(Math.max(...exact.map(Math.abs))).toBeLessThan(4);
    // Outputs are rounded to half a step; inputs and weights add about as much.
    expect(largest(await run(INT8, options), exact)).toBeLessThan(2 ** -5);
  });

  it('leaves layers that are not named as they are', async () => {
    const other = withInt8Convolutions(cpuTarget, new Map([['other', EXPONENTS]]));
    const options = { height: 6, width: 6 };
    expect(await run(other, options)).toEqual(await run(cpuTarget, options));
  });

  it('gives the same bytes with one thread and with two', async () => {
    const options = { height: 64, width: 16, prepare: inBands };
    const one = await run(INT8, { ...options, threads: 1 });
    expect(one).toEqual(await run(INT8, { ...options, threads: 2 }));
  });

  it('keeps the bias of outputs whose weights are next to nothing, or nothing', async () => {
    const weight = LAYER.weight.map((value, i) => {
      const row = Math.floor(i / (CHANNELS * 9));
      return row === 0 ? 0 : value * (row === 1 ? 1e-12 : 1);
    });
    const layer = { weight, bias: numbers(CHANNELS, 4).map((value) => value / 2 + 1) };
    const options = { height: 8, width: 8, layer };
    const exact = await run(cpuTarget, options);
    expect(Math.max(...exact.map(Math.abs))).toBeLessThan(4);
    expect(largest(await run(INT8, options), exact)).toBeLessThan(2 ** -5);
  });

  it('keeps a small bias of an output without weights', async () => {
    const weight = LAYER.weight.map((value, i) => (i < CHANNELS * 9 ? 0 : value));
    const layer = { weight, bias: new Float32Array(CHANNELS).fill(0.02) };
    const exponents = [-11, ...EXPONENTS.slice(1)];
    const fine = withInt8Convolutions(cpuTarget, new Map([['conv', exponents]]));
    const [first] = await run(fine, { height: 8, width: 8, layer });
    expect(Math.abs((first ?? 0) - 0.02)).toBeLessThanOrEqual(2 ** -12 + 1e-9);
  });

  it('is its bias where the image is the same all over', async () => {
    // Normalised, that is zeros.
    const options = { height: 4, width: 4, times: 0 };
    const values = await run(INT8, options);
    expect(largest(values, await run(cpuTarget, options))).toBeLessThan(2 ** -5);
  });

  it('limits what is beyond its range', async () => {
    const narrow = withInt8Convolutions(
      cpuTarget,
      new Map([['conv', Array.from({ length: CHANNELS }, () => -9)]]),
    );
    const options = { height: 8, width: 8 };
    const exact = await run(cpuTarget, options);
    const limited = exact.map((value) => Math.min(127 / 512, Math.max(-128 / 512, value)));
    expect(largest(await run(narrow, options), limited)).toBeLessThan(2 ** -5);
  });

  it('needs a scale for each of its outputs', async () => {
    const wrong = withInt8Convolutions(cpuTarget, new Map([['conv', [0, 0]]]));
    await expect(run(wrong, { height: 4, width: 4 })).rejects.toThrow('conv.weight has 2 outputs');
  });
});
