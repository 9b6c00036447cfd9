import { assert } from '#shared/core/errors.ts';
import { int64s } from '#shared/engine/onnx/constant.ts';
import { broadcast, dimAt, sizeAt, windowed } from '#shared/engine/onnx/shape.ts';
import { makeOp, type Var } from '#shared/engine/onnx/value.ts';
import { reshape } from './arrange.ts';

export interface ConvOptions {
  readonly stride?: number;
  /** Zeros around the image: one number for all four sides, or each of them. */
  readonly padding?: number | Sides;
}

/** Rows and columns at each side of an image. */
export interface Sides {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** 2-D convolution of `[N, C, h, w]` with weights `[O, C, k, k]` and bias `[O]`. */
export function conv(x: Var, weight: Var, bias: Var | undefined, options: ConvOptions = {}): Var {
  assert(
    dimAt(x.shape, 1) === dimAt(weight.shape, 1),
    `Conv of [${x.shape.join(', ')}] with [${weight.shape.join(', ')}]`,
  );
  const window = convWindow([2, 3], x, weight, options);
  const shape = [dimAt(x.shape, 0), dimAt(weight.shape, 0), ...window.size];
  const inputs = bias === undefined ? [x, weight] : [x, weight, bias];
  return makeOp('Conv', inputs, { type: x.type, shape }, window.attributes);
}

/** The height and width that a convolution puts out, and its attributes. */
export function convWindow(
  axes: readonly [number, number],
  image: Var,
  weight: Var,
  { stride = 1, padding = 0 }: ConvOptions,
) {
  const sides = typeof padding === 'number' ? sidesOf(padding) : padding;
  const { top, left, bottom, right } = sides;
  const kernel = axes.map((axis) => sizeAt(weight.shape, axis));
  const size = axes.map((axis, i) =>
    windowed(
      dimAt(image.shape, axis),
      kernel[i] ?? 0,
      stride,
      i === 0 ? top + bottom : left + right,
    ),
  );
  const attributes = {
    kernel_shape: kernel.map(BigInt),
    pads: [top, left, bottom, right].map(BigInt),
    strides: [BigInt(stride), BigInt(stride)],
  };
  return { size, attributes };
}

const sidesOf = (all: number): Sides => ({ top: all, left: all, bottom: all, right: all });

/** Matrix product of the last two axes; the axes before them broadcast. */
export function matMul(a: Var, b: Var): Var {
  assert(
    dimAt(a.shape, -1) === dimAt(b.shape, -2),
    `[${a.shape.join(', ')}] times [${b.shape.join(', ')}]`,
  );
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, dimAt(a.shape, -2), dimAt(b.shape, -1)];
  return makeOp('MatMul', [a, b], { type: a.type, shape });
}

/** Normalisation of each `[n, c]` plane, then times scale `[C]` plus bias `[C]`. */
export const instanceNorm = (x: Var, scale: Var, bias: Var, epsilon: number): Var =>
  makeOp('InstanceNormalization', [x, scale, bias], x, { epsilon });

/** Normalisation over the last axis, then times scale plus bias. */
export const layerNorm = (x: Var, scale: Var, bias: Var, epsilon: number): Var =>
  makeOp('LayerNormalization', [x, scale, bias], x, { axis: -1n, epsilon });

/** The sums along an axis, which stays as one of size 1. */
export function reduceSum(x: Var, axis: number): Var {
  const shape = x.shape.with(axis, 1);
  return makeOp('ReduceSum', [x, int64s([axis])], { type: x.type, shape }, { keepdims: 1n });
}

/** The sums along the first axis, which goes. */
export const sumOfParts = (x: Var): Var =>
  makeOp(
    'ReduceSum',
    [x, int64s([0])],
    { type: x.type, shape: x.shape.slice(1) },
    { keepdims: 0n },
  );

/** The sum of all values, as `[1]`. */
export const sum = (x: Var): Var =>
  reshape(makeOp('ReduceSum', [x], { type: x.type, shape: [] }, { keepdims: 0n }), [1]);

/** The greatest value of all, as `[1]`. */
export const maximum = (x: Var): Var =>
  reshape(makeOp('ReduceMax', [x], { type: x.type, shape: [] }, { keepdims: 0n }), [1]);

/** The greatest value of each channel of all images `[N, C, h, w]`, as `[C]`. */
export const maximumOfChannels = (x: Var): Var =>
  makeOp(
    'ReduceMax',
    [x, int64s([0, 2, 3])],
    { type: x.type, shape: [dimAt(x.shape, 1)] },
    { keepdims: 0n },
  );

/** The index of the greatest value along the last axis, the first if several, as int64 `[…, 1]`. */
export function argMaxLast(x: Var): Var {
  const shape = x.shape.with(-1, 1);
  return makeOp('ArgMax', [x], { type: 'INT64', shape }, { axis: -1n, keepdims: 1n });
}
