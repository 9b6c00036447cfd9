import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { buildGraph, type Graph } from '#shared/onnx/graph.ts';
import { encodeModel } from '#shared/onnx/model-proto.ts';
import { Scope } from '#shared/onnx/sdxl/scope.ts';
import { doubleByPhases } from '#shared/onnx/sdxl/upsample-phases.ts';
import { suitsWinograd, winogradConv } from '#shared/onnx/sdxl/winograd.ts';
import type { StoredTensor } from '#shared/onnx/stored-tensor.ts';
import { input } from '#shared/onnx/value.ts';

/** Numbers in −1…1 that look random. */
const numbers = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 + seed) % 1);

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

const picture = (batch: number, height: number, width: number): Image => ({
  batch,
  height,
  width,
  data: numbers(batch * CHANNELS * height * width, 3),
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

/** Runs a graph whose weights are computed from WEIGHT and BIAS. */
async function run(graph: Graph, { batch, height, width, data }: Image): Promise<Tensor> {
  const files = new Map<string, Uint8Array>();
  for (const { value } of graph.stored) {
    if (value.origin.kind === 'stored') {
      const { tensor } = value.origin;
      files.set(tensor.name, bytesOf(tensor));
    }
  }
  const model = encodeModel(graph, ({ name }) => ({ file: name, offset: 0 }));
  const session = await InferenceSession.create(model, {
    externalData: [...files].map(([path, bytes]) => ({ path, data: bytes })),
  });
  const { y } = await session.run({
    x: new Tensor('float32', data, [batch, CHANNELS, height, width]),
  });
  await session.release();
  if (y === undefined) throw new Error('the graph has an output');
  return y;
}

function bytesOf({ name, sources, compute }: StoredTensor): Uint8Array {
  const values = sources.map((source) => (source.name.endsWith('bias') ? BIAS : WEIGHT));
  const result = compute === undefined ? values[0] : compute(values);
  if (result === undefined) throw new Error(`${name} has a source`);
  return new Uint8Array(result.buffer, result.byteOffset, result.byteLength);
}

function expectClose(actual: Tensor, expected: readonly number[]): void {
  expect(actual.data).toHaveLength(expected.length);
  const differences = expected.map((value, i) => Math.abs(value - Number(actual.data[i])));
  expect(Math.max(...differences)).toBeLessThan(2e-5);
}

const x = input('x', 'FLOAT', ['n', CHANNELS, 'h', 'w']);
const shape = { inputs: CHANNELS, outputs: CHANNELS, kernel: 3 };

describe('winogradConv', () => {
  const y = winogradConv(x, Scope.of('vae', 'FLOAT'), shape);
  const graph = buildGraph('winograd', [x], { y });

  it.each([
    [1, 8, 8],
    [1, 5, 7],
    [2, 3, 10],
    [1, 1, 1],
    [3, 4, 6],
  ])('is a 3×3 convolution of %i images of %i×%i', async (batch, height, width) => {
    const image = picture(batch, height, width);
    const result = await run(graph, image);
    expect(result.dims).toEqual([batch, CHANNELS, height, width]);
    expectClose(result, convolve(image));
  });

  it('is used where it was measured to win', () => {
    const wide = { inputs: 512, outputs: 512, kernel: 3, scale: 2 };
    expect(suitsWinograd(wide)).toBe(true);
    expect(suitsWinograd({ ...wide, scale: 4 })).toBe(false);
    expect(suitsWinograd({ ...wide, outputs: 256 })).toBe(false);
    expect(suitsWinograd({ ...wide, stride: 2 })).toBe(false);
    expect(suitsWinograd({ ...wide, kernel: 1 })).toBe(false);
    expect(suitsWinograd({ inputs: 512, outputs: 512, kernel: 3 })).toBe(false);
  });
});

describe('doubleByPhases', () => {
  const y = doubleByPhases(x, Scope.of('vae', 'FLOAT'), CHANNELS);
  const graph = buildGraph('phases', [x], { y });

  it.each([
    [1, 4, 4],
    [2, 3, 5],
    [1, 1, 2],
  ])('doubles %i images of %i×%i and convolves them', async (batch, height, width) => {
    const image = picture(batch, height, width);
    const result = await run(graph, image);
    expect(result.dims).toEqual([batch, CHANNELS, height * 2, width * 2]);
    expectClose(result, convolve(doubled(image)));
  });
});
