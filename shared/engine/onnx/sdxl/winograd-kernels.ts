import { floats } from '#shared/engine/onnx/constant.ts';
import { reshape } from '#shared/engine/onnx/ops/arrange.ts';
import { cast } from '#shared/engine/onnx/ops/elementwise.ts';
import { linearProduct } from '#shared/engine/onnx/ops/microsoft.ts';
import { UNKNOWN } from '#shared/engine/onnx/shape.ts';
import { storedRows } from '#shared/engine/onnx/stored-value.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import type { Scope } from './scope.ts';
import { unfolded } from './unfolded.ts';
import { type Axis, kronecker } from './winograd-axis.ts';

const TAPS = 9;
/** Values of transformed weights in memory at a time. */
const MAX_BLOCK_VALUES = 2 ** 25;
/** Each block is a dozen nodes: absurd widths must not make millions of them. */
const MAX_BLOCKS = 16;

/**
 * The weight of a 3×3 convolution as points, `[1, points, outputs, inputs]`, some outputs at a time.
 *
 * It is computed anew for every image: that takes a twentieth of the convolution's time, whereas
 * storing it would take up to four times the weight's memory.
 *
 * @param image the image to convolve
 */
export function kernelPoints(
  scope: Scope,
  { inputs, outputs }: { readonly inputs: number; readonly outputs: number },
  rows: Axis,
  columns: Axis,
  image: Var,
): readonly Var[] {
  const transform = kronecker(rows.kernel, columns.kernel);
  const points = transform.length;
  const weight = scope.tensor('weight', [outputs, inputs, 3, 3]);
  // Without its rows, as `unfolded` has it in the model.
  const matrix = {
    ...unfolded(floats(transform.flat(), [points, TAPS]), image),
    shape: [UNKNOWN, TAPS],
  };
  const blocks = fewestParts(outputs, MAX_BLOCK_VALUES / (points * inputs));
  const count = outputs / blocks;
  return Array.from({ length: blocks }, (_, block) => {
    const kernels = storedRows(weight, block * count, count, [count * inputs, TAPS]);
    const product = linearProduct(matrix, cast(kernels, 'FLOAT'));
    return reshape(product, [1, points, count, inputs]);
  });
}

/** The smallest number of equal parts within a limit, or else the largest number allowed. */
function fewestParts(count: number, limit: number): number {
  const choices = Array.from({ length: MAX_BLOCKS }, (_, i) => i + 1).filter(
    (parts) => count % parts === 0,
  );
  return choices.find((parts) => count / parts <= limit) ?? choices.at(-1) ?? 1;
}
