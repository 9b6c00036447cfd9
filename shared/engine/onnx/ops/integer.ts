import { assert } from '#shared/core/errors.ts';
import { floats, int8s, int64s, uint8s } from '#shared/engine/onnx/constant.ts';
import { dimAt, productOf, sizeAt } from '#shared/engine/onnx/shape.ts';
import { makeNode, makeOp, type Var } from '#shared/engine/onnx/value.ts';
import { concat, expand, reshape, reshapeLike, shapeOf, unsqueeze } from './arrange.ts';
import { add, cast, clip, div, mul, round, sub } from './elementwise.ts';
import { MICROSOFT } from './microsoft.ts';
import { convWindow, type Sides } from './network.ts';

/** Values as bytes: `(bytes − zero) · scale`, and each row besides times its own scale, if it has one. */
export interface Quantized {
  readonly bytes: Var;
  readonly scale: Var;
  readonly zero: Var;
  /** `[…, 1]` */
  readonly rowScales?: Var;
}

/** Quantises values when the graph runs, by the least and the greatest of all of them. */
export function quantizedTogether(x: Var): Quantized {
  const [bytes, scale, zero] = makeNode(
    { domain: '', opType: 'DynamicQuantizeLinear', inputs: [x], attributes: {} },
    [
      { type: 'UINT8', shape: x.shape },
      { type: 'FLOAT', shape: [] },
      { type: 'UINT8', shape: [] },
    ],
  );
  assert(bytes && scale && zero, 'DynamicQuantizeLinear has three outputs');
  return { bytes, scale, zero };
}

/** The byte that stands for 0, and how far bytes reach from it on either side. */
const ZERO = 128;
const REACH = 127;
/** Instead of the scale of a row of zeros. */
const SMALLEST = 1e-30;

/**
 * Quantises values when the graph runs, each row by its own greatest magnitude: three passes instead of
 * two, and a row with large values takes no digits from the others.
 */
export function quantizedByRow(x: Var): Quantized {
  const rowScales = mul(greatestOfRows(x), floats(1 / REACH));
  const scales = reshape(rowScales, [-1]);
  const zeros = expand(uint8s([ZERO], [1]), shapeOf(scales), scales.shape);
  const width = sizeAt(x.shape, -1);
  const rows = productOf(x.shape.slice(0, -1));
  const bytes = makeOp(
    'QuantizeLinear',
    [reshape(x, [-1, width]), scales, zeros],
    { type: 'UINT8', shape: [rows, width] },
    { axis: 0n },
  );
  return {
    bytes: reshapeLike(bytes, x),
    scale: floats(1),
    zero: uint8s([ZERO], []),
    rowScales,
  };
}

/**
 * Values by two bytes each: quantised by row, and what that leaves quantised by row again. The two lie
 * along a new first axis, to be added in the end.
 */
export function quantizedTwice(x: Var): Quantized {
  const { bytes, rowScales } = quantizedByRow(x);
  assert(rowScales !== undefined, 'rows have scales');
  const coarse = mul(sub(cast(bytes, 'FLOAT'), floats(ZERO)), rowScales);
  return quantizedByRow(concat([unsqueeze(x, [0]), unsqueeze(sub(x, coarse), [0])], 0));
}

/** The greatest magnitude of each row, `[…, 1]`; never 0. */
function greatestOfRows(x: Var): Var {
  const output = { type: x.type, shape: x.shape.with(-1, 1) };
  const axes = int64s([-1]);
  const greatest = makeOp('ReduceMax', [x, axes], output, { keepdims: 1n });
  const least = makeOp('ReduceMin', [x, axes], output, { keepdims: 1n });
  return makeOp('Max', [greatest, makeOp('Neg', [least], output), floats(SMALLEST)], output);
}

/** A linear layer's weights as whole numbers. */
export interface QuantizedWeight {
  /** int8 `[in, out]` */
  readonly values: Var;
  /** `[out]`: what each column is to be multiplied by. */
  readonly scales: Var;
}

/**
 * `[…, in]` times `[in, out]` plus a bias `[out]`, summed in whole numbers: so the same on every
 * processor, whatever the order.
 */
export function integerProduct(x: Quantized, weight: QuantizedWeight, bias?: Var): Var {
  const { shape: outer } = x.bytes;
  assert(
    dimAt(outer, -1) === dimAt(weight.values.shape, 0),
    `[${outer.join(', ')}] times [${weight.values.shape.join(', ')}]`,
  );
  const { rowScales } = x;
  const product = makeOp(
    'MatMulIntegerToFloat',
    [
      x.bytes,
      weight.values,
      x.scale,
      weight.scales,
      x.zero,
      undefined,
      rowScales === undefined ? bias : undefined,
    ],
    { type: 'FLOAT', shape: outer.with(-1, dimAt(weight.values.shape, 1)) },
    {},
    MICROSOFT,
  );
  if (rowScales === undefined) return product;
  const scaled = mul(product, rowScales);
  return bias === undefined ? scaled : add(scaled, bias);
}

/** A convolution's weights as whole numbers. */
export interface QuantizedKernel {
  /** int8 `[O, C, k, k]` */
  readonly values: Var;
  /** `[O]`: what each output's weights are to be multiplied by, in units of its step. */
  readonly scales: Var;
  /** What each output is rounded to: from −128 to 127 of them. */
  readonly steps: readonly number[];
}

/**
 * Beyond this a bias would overflow the sum that it begins. Only an image that is nearly 0 all over, as
 * no normalised one is, could bring it there.
 */
const GREATEST_BIAS = 2 ** 30;

/**
 * A convolution of `[N, C, h, w]`, summed in whole numbers and rounded to a byte: what is beyond that
 * many steps is clipped.
 *
 * @param bias float32 `[O]`
 * @param padding rows and columns of zeros at each side
 */
export function integerConv(x: Quantized, kernel: QuantizedKernel, bias: Var, padding: Sides): Var {
  const { values, scales } = kernel;
  const steps = floats(kernel.steps);
  const window = convWindow([2, 3], x.bytes, values, { padding });
  const shape = [dimAt(x.bytes.shape, 0), dimAt(values.shape, 0), ...window.size];
  const start = div(div(bias, steps), mul(x.scale, scales));
  const whole = cast(round(clip(start, -GREATEST_BIAS, GREATEST_BIAS)), 'INT32');
  const zero = uint8s([ZERO], []);
  const bytes = makeOp(
    'QLinearConv',
    [x.bytes, x.scale, x.zero, values, scales, int8s([0], []), floats(1), zero, whole],
    { type: 'UINT8', shape },
    window.attributes,
  );
  const zeros = uint8s(
    kernel.steps.map(() => ZERO),
    [kernel.steps.length],
  );
  return makeOp('DequantizeLinear', [bytes, steps, zeros], { type: 'FLOAT', shape }, { axis: 1n });
}
