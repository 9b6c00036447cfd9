import { buildGraph } from '#shared/engine/onnx/graph.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { linearProduct } from '#shared/engine/onnx/ops/microsoft.ts';
import { conv } from '#shared/engine/onnx/ops/network.ts';
import { productOf } from '#shared/engine/onnx/shape.ts';
import { input, type Var } from '#shared/engine/onnx/value.ts';
import { loadOnnxRuntime } from '#shared/engine/package/onnx-runtime.ts';

/** How long to measure; the best run counts. */
const MEASURE_MS = 1500;

/** How fast this machine computes a matrix product and a convolution of SDXL's kind, in GFLOP/s. */
export async function machineRate(): Promise<{ gemmGflops: number; convGflops: number }> {
  const x = input('x', 'FLOAT', [1024, 1280]);
  const weight = input('weight', 'FLOAT', [5120, 1280]);
  const image = input('x', 'FLOAT', [1, 256, 128, 128]);
  const kernel = input('weight', 'FLOAT', [256, 256, 3, 3]);
  return {
    gemmGflops: await rate([x, weight], linearProduct(x, weight), 2 * 1024 * 1280 * 5120),
    convGflops: await rate(
      [image, kernel],
      conv(image, kernel, undefined, { padding: 1 }),
      2 * 256 * 256 * 9 * 128 * 128,
    ),
  };
}

async function rate(inputs: readonly Var[], output: Var, flops: number): Promise<number> {
  const model = encodeModel(buildGraph('rate', inputs, { y: output }), () => {
    throw new Error('this graph stores nothing');
  });
  const { InferenceSession, Tensor } = await loadOnnxRuntime();
  const session = await InferenceSession.create(model);
  const feeds = Object.fromEntries(
    inputs.map(({ shape }, index) => {
      const data = new Float32Array(Number(productOf(shape))).fill(0.5);
      return [index === 0 ? 'x' : 'weight', new Tensor('float32', data, shape.map(Number))];
    }),
  );
  let best = 0;
  for (const started = performance.now(); performance.now() - started < MEASURE_MS; ) {
    const begin = performance.now();
    await session.run(feeds);
    best = Math.max(best, flops / (performance.now() - begin) / 1e6);
  }
  await session.release();
  return Math.round(best * 10) / 10;
}
