import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { buildGraph } from '#shared/engine/onnx/graph.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { activate, ClipActivation } from '#shared/engine/onnx/sdxl/activation.ts';
import { input } from '#shared/engine/onnx/value.ts';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** The published approximation; torch's `gelu(approximate="tanh")`. */
const geluTanh = (x: number) =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

it.each([
  ['quick_gelu', (x: number) => x * sigmoid(1.702 * x)],
  ['gelu_new', geluTanh],
  ['gelu_pytorch_tanh', geluTanh],
  ['relu', (x: number) => Math.max(x, 0)],
  ['silu', (x: number) => x * sigmoid(x)],
  ['swish', (x: number) => x * sigmoid(x)],
  ['mish', (x: number) => x * Math.tanh(Math.log1p(Math.exp(x)))],
] as const)('%s is what its definition says', async (name, definition) => {
  const x = input('x', 'FLOAT', ['n']);
  const graph = buildGraph('g', [x], { y: activate(x, ClipActivation.parse(name)) });
  const session = await InferenceSession.create(
    encodeModel(graph, () => {
      throw new Error('nothing is stored');
    }),
  );
  const points = [-6, -2.5, -1, -0.1, 0, 0.3, 1, 3, 7];
  const { y } = await session.run({ x: new Tensor('float32', points, [points.length]) });
  const values = Array.from(y?.data as Float32Array);
  for (const [index, point] of points.entries()) {
    expect(values[index], `${point}`).toBeCloseTo(definition(point), 5);
  }
  await session.release();
});
