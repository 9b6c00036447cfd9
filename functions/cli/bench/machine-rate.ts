import { floats } from '#shared/engine/onnx/constant.ts';
import { buildGraph } from '#shared/engine/onnx/graph.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { integerProduct, quantizedTogether } from '#shared/engine/onnx/ops/integer.ts';
import { linearProduct } from '#shared/engine/onnx/ops/microsoft.ts';
import { conv } from '#shared/engine/onnx/ops/network.ts';
import { productOf } from '#shared/engine/onnx/shape.ts';
import { input, type Var } from '#shared/engine/onnx/value.ts';
import { loadOnnxRuntime } from '#shared/engine/package/onnx-runtime.ts';

/** How long to measure; the best run counts. */
const MEASURE_MS = 1500;

/** The rows, inputs and outputs of one of SDXL's larger layers. */
const [ROWS, INPUTS, OUTPUTS] = [1024, 1280, 5120];

export interface MachineRate {
  readonly gemmGflops: number;
  readonly convGflops: number;
  /** The same product in int8, with what it is made from quantised on the way; in 10⁹ operations a second. */
  readonly int8Gops: number;
}

/** How fast this machine computes a matrix product and a convolution of SDXL's kind. */
export async function machineRate(): Promise<MachineRate> {
  const x = input('x', 'FLOAT', [ROWS, INPUTS]);
  const weight = input('weight', 'FLOAT', [OUTPUTS, INPUTS]);
  const values = input('weight', 'INT8', [INPUTS, OUTPUTS]);
  const scales = floats(Array.from({ length: OUTPUTS }, () => 1));
  const image = input('x', 'FLOAT', [1, 256, 128, 128]);
  const kernel = input('weight', 'FLOAT', [256, 256, 3, 3]);
  const product = 2 * ROWS * INPUTS * OUTPUTS;
  return {
    gemmGflops: await rate([x, weight], linearProduct(x, weight), product),
    convGflops: await rate(
      [image, kernel],
      conv(image, kernel, undefined, { padding: 1 }),
      2 * 256 * 256 * 9 * 128 * 128,
    ),
    int8Gops: await rate(
      [x, values],
      integerProduct(quantizedTogether(x), { values, scales }),
      product,
    ),
  };
}

async function rate(inputs: readonly [Var, Var], output: Var, operations: number): Promise<number> {
  const model = encodeModel(buildGraph('rate', inputs, { y: output }), () => {
    throw new Error('this graph stores nothing');
  });
  const ort = await loadOnnxRuntime();
  const session = await ort.InferenceSession.create(model);
  const feeds = { x: filled(inputs[0], ort), weight: filled(inputs[1], ort) };
  let best = 0;
  for (const started = performance.now(); performance.now() - started < MEASURE_MS; ) {
    const begin = performance.now();
    await session.run(feeds);
    best = Math.max(best, operations / (performance.now() - begin) / 1e6);
  }
  await session.release();
  return Math.round(best * 10) / 10;
}

/** A value for an input: its numbers make no difference to the time. */
function filled({ type, shape }: Var, { Tensor }: typeof import('onnxruntime-node')) {
  const count = Number(productOf(shape));
  const dims = shape.map(Number);
  return type === 'INT8'
    ? new Tensor('int8', new Int8Array(count).fill(5), dims)
    : new Tensor('float32', new Float32Array(count).fill(0.5), dims);
}
