import { assert } from '#shared/core/errors.ts';
import type { QuantizedKernel } from '#shared/engine/onnx/ops/integer.ts';
import { elementCount } from '#shared/engine/onnx/shape.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import { stored } from '#shared/engine/onnx/stored-value.ts';
import { quantizedRows, rowScales } from './int8-weight.ts';

/**
 * The largest weight stands for 63 instead of 127: so the sum of two products with a byte fits 16 bits,
 * in which processors without VNNI add them. Pictures are as good, for what the layer puts out is
 * rounded more coarsely.
 */
const TO_SEVEN_BITS = 127 / 63;

/**
 * A weight's step is at least this share of what its output is rounded to, and just that where all of
 * an output's weights are 0: its bias is a multiple of that step and the image's, and has to fit 32 bits.
 */
const LEAST_STEP = 2 ** -12;

/**
 * A convolution's weight as int8 with a scale for each of its outputs.
 *
 * @param weight float32 `[O, C, k, k]`, as the checkpoint has it
 * @param exponents what each output is rounded to: multiples of 2 to this power
 */
export function int8Kernel(weight: StoredTensor, exponents: readonly number[]): QuantizedKernel {
  const [outputs = 0, ...rest] = weight.shape;
  assert(weight.compute === undefined, `${weight.name} is taken as it is`);
  assert(exponents.length === outputs, `${weight.name} has ${exponents.length} outputs`);
  const width = elementCount(rest);
  const steps = exponents.map((exponent) => 2 ** exponent);
  const stepOf = (row: number): number => {
    const step = steps[row];
    assert(step !== undefined, `${weight.name} has a row ${row}`);
    return step;
  };
  const scalesOf = (rows: Float32Array, start: number): Float32Array =>
    rowScales(rows, width).map((scale, row) => {
      const isZero = rows.subarray(row * width, (row + 1) * width).every((value) => value === 0);
      return Math.max(isZero ? 0 : scale * TO_SEVEN_BITS, stepOf(start + row) * LEAST_STEP);
    });
  const { name, source } = weight;
  const values: StoredTensor = {
    name: `${name}.int8`,
    shape: weight.shape,
    type: 'INT8',
    source,
    compute: (rows, start) => quantizedRows(rows, width, scalesOf(rows, start)),
  };
  const scales: StoredTensor = {
    name: `${name}.scale`,
    shape: [outputs],
    type: 'FLOAT',
    source,
    compute: (rows, start) =>
      scalesOf(rows, start).map((scale, row) => scale / stepOf(start + row)),
  };
  return { values: stored(values), scales: stored(scales), steps };
}
