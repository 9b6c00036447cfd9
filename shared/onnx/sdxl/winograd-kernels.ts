import { floats } from '#shared/onnx/constant.ts';
import { concat, expand, reshape, shapeOf } from '#shared/onnx/ops/arrange.ts';
import { cast, div } from '#shared/onnx/ops/elementwise.ts';
import { linearProduct } from '#shared/onnx/ops/microsoft.ts';
import { stored } from '#shared/onnx/stored-tensor.ts';
import type { Var } from '#shared/onnx/value.ts';
import type { Scope } from './scope.ts';
import { type Axis, kronecker } from './winograd-axis.ts';

const TAPS = 9;

/**
 * The weight of a 3×3 convolution as points, `[1, points, outputs, inputs]`.
 *
 * It is computed anew for every image: that takes a twentieth of the convolution's time, and stored it
 * would take up to four times the weight's memory.
 *
 * @param image what the convolution is for
 */
export function kernelPoints(
  scope: Scope,
  { inputs, outputs }: { readonly inputs: number; readonly outputs: number },
  rows: Axis,
  columns: Axis,
  image: Var,
): Var {
  const transform = kronecker(rows.kernel, columns.kernel);
  const points = transform.length;
  const kernels = scope.tensor('weight', [outputs, inputs, 3, 3], [outputs * inputs, TAPS]);
  const matrix = unfolded(floats(transform.flat(), [points, TAPS]), image);
  const product = linearProduct(matrix, cast(stored(kernels), 'FLOAT'));
  return reshape(product, [1, points, outputs, inputs]);
}

/**
 * A constant that onnxruntime does not take for one: when it loads the model, it would compute all
 * that follows from constants alone, and keep it in the heap.
 *
 * @param image of a size that is known only when the graph runs
 */
function unfolded(constant: Var, image: Var): Var {
  const height = shapeOf(image, 2, 3);
  const one = div(height, height);
  return expand(constant, concat([one, one], 0), constant.shape);
}
