import { concat, expand, shapeOf } from '#shared/engine/onnx/ops/arrange.ts';
import { div } from '#shared/engine/onnx/ops/elementwise.ts';
import { UNKNOWN } from '#shared/engine/onnx/shape.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { someRows } from './bands.ts';

/**
 * A constant that onnxruntime does not recognise as one. On loading a model it would compute everything
 * that depends on constants alone and keep it in the heap; and it would turn convolutions with constant
 * filters into ones on blocks of channels, whose transpositions cost more than they save if images have
 * one channel.
 *
 * Its shape is known here and not stated in the model: ONNX Runtime would infer that of weights as
 * points, and keep the memory of one layer's for the next.
 *
 * @param image of a size that is known only when the graph runs
 */
export function unfolded(constant: Var, image: Var): Var {
  const height = shapeOf(someRows(image), 2, 3);
  const one = div(height, height);
  const ones = concat(
    constant.shape.map(() => one),
    0,
  );
  const unstated = constant.shape.map(() => UNKNOWN);
  return { ...expand(constant, ones, unstated), shape: constant.shape };
}
