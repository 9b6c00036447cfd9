import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { floats } from '#shared/engine/onnx/constant.ts';
import { buildGraph, type Graph } from '#shared/engine/onnx/graph.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { add } from '#shared/engine/onnx/ops/elementwise.ts';
import { inBands, suitsBands } from '#shared/engine/onnx/sdxl/bands.ts';
import { cpuTarget } from '#shared/engine/onnx/sdxl/cpu-target.ts';
import { Scope } from '#shared/engine/onnx/sdxl/scope.ts';
import { suitsWinograd, winogradConv, winogradDouble } from '#shared/engine/onnx/sdxl/winograd.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import { input, type Var } from '#shared/engine/onnx/value.ts';
import { temporaryFolder } from '#test/helpers/model-fixture.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

/** Numbers in −1…1 that look random. */
const numbers = (count: number, seed: number): Float32Array =>
  new Float32Array(count).map((_, i) => Math.sin((i + 1) * 12.9898 + seed) % 1);

/** Weights `[o, i, 3, 3]` and bias of a small convolution, and images to try it on. */
const CHANNELS = 3;
const WEIGHT = numbers(CHANNELS * CHANNELS * 9, 1);
const BIAS = numbers(CHANNELS, 2);

interface Image {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

const picture = (batch: number, height: number, width: number, channels = CHANNELS): Image => ({
  batch,
  height,
  width,
  data: numbers(batch * channels * height * width, 3),
});

/** The 3×3 convolution as its definition has it. */
function convolve({ batch, height, width, data }: Image): number[] {
  const at = (n: number, c: number, y: number, x: number) =>
    y < 0 || x < 0 || y >= height || x >= width
      ? 0
      : (data[((n * CHANNELS + c) * height + y) * width + x] ?? 0);
  const result: number[] = [];
  for (let n = 0; n < batch; n += 1)
    for (let o = 0; o < CHANNELS; o += 1)
      for (let y = 0; y < height; y += 1)
        for (let x = 0; x < width; x += 1) {
          let sum = BIAS[o] ?? 0;
          for (let c = 0; c < CHANNELS; c += 1)
            for (let tap = 0; tap < 9; tap += 1) {
              const value = at(n, c, y + Math.floor(tap / 3) - 1, x + (tap % 3) - 1);
              sum += value * (WEIGHT[(o * CHANNELS + c) * 9 + tap] ?? 0);
            }
          result.push(sum);
        }
  return result;
}

/** Each pixel twice in both directions. */
function doubled({ batch, height, width, data }: Image): Image {
  const large = { batch, height: height * 2, width: width * 2 };
  const values = Float32Array.from(
    { length: batch * CHANNELS * large.height * large.width },
    (_, i) => {
      const x = i % large.width;
      const y = Math.floor(i / large.width) % large.height;
      const plane = Math.floor(i / (large.width * large.height));
      return data[(plane * height + Math.floor(y / 2)) * width + Math.floor(x / 2)] ?? 0;
    },
  );
  return { ...large, data: values };
}

interface RunOptions {
  readonly session?: InferenceSession.SessionOptions;
  readonly weights?: { readonly weight: Float32Array; readonly bias: Float32Array };
}

/** Runs a graph of one convolution. */
async function run(
  graph: Graph,
  { batch, height, width, data }: Image,
  { session: settings, weights = { weight: WEIGHT, bias: BIAS } }: RunOptions = {},
): Promise<Tensor> {
  const files = new Map<string, Uint8Array>();
  for (const { value } of graph.stored) {
    if (value.origin.kind === 'stored') {
      const { tensor } = value.origin;
      files.set(tensor.name, bytesOf(tensor, weights));
    }
  }
  const model = encodeModel(graph, ({ name }) => ({ file: name, offset: 0 }));
  const session = await InferenceSession.create(model, {
    ...settings,
    externalData: [...files].map(([path, bytes]) => ({ path, data: bytes })),
  });
  const { y } = await session.run({
    x: new Tensor('float32', data, [batch, data.length / (batch * height * width), height, width]),
  });
  if (settings?.enableProfiling === true) session.endProfiling();
  await session.release();
  if (y === undefined) throw new Error('the graph has an output');
  return y;
}

/** The operators that onnxruntime ran, as it rewrote them. */
async function operatorsRun(graph: Graph, image: Image): Promise<string[]> {
  const prefix = join(folder.path, 'profile');
  await run(graph, image, { session: { enableProfiling: true, profileFilePrefix: prefix } });
  const [file = ''] = readdirSync(folder.path);
  const events = JSON.parse(readFileSync(join(folder.path, file), 'utf8')) as {
    name: string;
    args?: { op_name?: string };
  }[];
  return events
    .filter(({ name }) => name.endsWith('_kernel_time'))
    .map(({ args }) => args?.op_name ?? '');
}

function bytesOf(
  { source }: StoredTensor,
  { weight, bias }: Required<RunOptions>['weights'],
): Uint8Array {
  const { buffer, byteOffset, byteLength } = source.name.endsWith('bias') ? bias : weight;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function expectClose(actual: Tensor, expected: readonly number[]): void {
  expect(actual.data).toHaveLength(expected.length);
  const differences = expected.map((value, i) => value - Number(actual.data[i]));
  expect(Math.max(...differences.map(Math.abs))).toBeLessThan(4e-5);
  expect(Math.hypot(...differences) / Math.hypot(...expected)).toBeLessThan(5e-6);
}

/** A graph of one layer for images of one number or of any, and of any size. */
function graphOf(batch: number | string, layer: (x: Var, scope: Scope) => Var): Graph {
  const x = input('x', 'FLOAT', [batch, CHANNELS, 'h', 'w']);
  return buildGraph('layer', [x], { y: layer(x, Scope.of('vae', 'FLOAT')) });
}

const shape = { inputs: CHANNELS, outputs: CHANNELS, kernel: 3 };

/** Images, and how many times larger than latents they are said to be. */
const CASES = [
  [1, 8, 8, 1],
  [1, 5, 7, 1],
  [2, 3, 10, 0.25],
  [1, 1, 1, 1],
  [3, 4, 6, 2],
  // In bands of rows, some of one height and some of several.
  [1, 64, 4, 4],
  [1, 76, 8, 4],
  [2, 68, 4, 4],
  [1, 128, 8, 8],
] as const;

/** The image as it comes to a layer of that scale. */
const atScale = (image: Var, scale: number): Var => (suitsBands(scale) ? inBands(image) : image);

describe('winogradConv', () => {
  it.each(CASES)(
    'is a 3×3 convolution of %i images of %i×%i at scale %d',
    async (batch, height, width, scale) => {
      const image = picture(batch, height, width);
      const expected = convolve(image);
      for (const size of batch === 1 ? ([1, 'n'] as const) : (['n'] as const)) {
        const graph = graphOf(size, (x, scope) =>
          winogradConv(atScale(x, scale), scope, { ...shape, scale }),
        );
        const result = await run(graph, image);
        expect(result.dims).toEqual([batch, CHANNELS, height, width]);
        expectClose(result, expected);
      }
    },
  );

  it('prepares each band before its borders of zeros', async () => {
    const image = picture(1, 68, 8);
    const plusOne = { ...image, data: image.data.map((value) => value + 1) };
    const graph = graphOf(1, (x, scope) =>
      winogradConv(inBands(x), scope, { ...shape, scale: 4 }, (rows) => add(rows, floats(1))),
    );
    expectClose(await run(graph, image), convolve(plusOne));
  });

  it('leaves the transformed weights to the run, not to the loading', async () => {
    const graph = graphOf(1, (x, scope) => winogradConv(x, scope, { ...shape, scale: 1 }));
    const operators = await operatorsRun(graph, picture(1, 8, 8));
    // Weights, points, rows and columns, each with its transposition as part of the product.
    expect(operators.filter((name) => name === 'FusedMatMul')).toHaveLength(4);
    expect(operators).not.toContain('Transpose');
  });

  it('takes the outputs of a wide convolution in blocks', async () => {
    const wide = { inputs: 1024, outputs: 1024, kernel: 3 };
    const values = numbers(wide.inputs * wide.outputs * 9, 4).map((value) => value / 64);
    const x = input('x', 'FLOAT', [1, wide.inputs, 'h', 'w']);
    const [blocks, plain] = await Promise.all(
      [{ scale: 1 }, {}].map((scale) => {
        const scope = Scope.of('vae', 'FLOAT');
        const y = cpuTarget.conv(x, scope, { ...wide, ...scale });
        const weights = { weight: values, bias: numbers(wide.outputs, 5) };
        return run(buildGraph('wide', [x], { y }), picture(1, 3, 4, wide.inputs), { weights });
      }),
    );
    expect(blocks?.dims).toEqual([1, wide.outputs, 3, 4]);
    expectClose(blocks as Tensor, [...((plain as Tensor).data as Float32Array)]);
  });

  it('stays a small graph whatever the width', () => {
    const vast = { inputs: 2 ** 17, outputs: 2 ** 17, kernel: 3, scale: 1 };
    const x = input('x', 'FLOAT', [1, vast.inputs, 'h', 'w']);
    const y = winogradConv(x, Scope.of('vae', 'FLOAT'), vast);
    expect(buildGraph('vast', [x], { y }).nodes.length).toBeLessThan(400);
  });

  it('is used where it was measured to win', () => {
    const wide = { inputs: 128, outputs: 128, kernel: 3, scale: 8 };
    expect(suitsWinograd(wide)).toBe(true);
    expect(suitsWinograd({ ...wide, scale: 0.25 })).toBe(true);
    expect(suitsWinograd({ ...wide, outputs: 64 })).toBe(false);
    expect(suitsWinograd({ ...wide, stride: 2 })).toBe(false);
    expect(suitsWinograd({ ...wide, kernel: 1 })).toBe(false);
    expect(suitsWinograd({ inputs: 512, outputs: 512, kernel: 3 })).toBe(false);
  });
});

describe('a convolution in the plain way', () => {
  it.each([1, 3])('takes each band with what it sees of its neighbours (%i×…)', async (kernel) => {
    const image = picture(2, 68, 5);
    const layer = { inputs: CHANNELS, outputs: CHANNELS, kernel };
    const [banded, whole] = await Promise.all(
      [inBands, (x: Var) => x].map((prepared) =>
        run(
          graphOf('n', (x, scope) => cpuTarget.conv(prepared(x), scope, layer)),
          image,
        ),
      ),
    );
    expectClose(banded as Tensor, [...((whole as Tensor).data as Float32Array)]);
  });
});

describe('winogradDouble', () => {
  it.each(CASES)(
    'doubles %i images of %i×%i at scale %d and convolves them',
    async (batch, height, width, scale) => {
      const image = picture(batch, height, width);
      const graph = graphOf('n', (x, scope) =>
        winogradDouble(atScale(x, scale), scope, CHANNELS, scale),
      );
      const result = await run(graph, image);
      expect(result.dims).toEqual([batch, CHANNELS, height * 2, width * 2]);
      expectClose(result, convolve(doubled(image)));
    },
  );
});
