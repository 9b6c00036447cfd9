import { assert } from '#shared/core/errors.ts';
import type { QuantizedWeight } from '#shared/engine/onnx/ops/integer.ts';
import { sizeAt } from '#shared/engine/onnx/shape.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import { storedRows } from '#shared/engine/onnx/stored-value.ts';

/** The largest magnitude of a weight; −128 is left out, so that zero is in the middle. */
const LARGEST = 127;

/**
 * A linear layer's weight as int8 with a scale for each of its outputs.
 *
 * @param weight float32 `[out, in]`, as the checkpoint has it
 * @param groups equal groups of outputs that are weights of their own
 */
export function int8Weight(weight: StoredTensor, groups = 1): readonly QuantizedWeight[] {
  const outputs = sizeAt(weight.shape, 0);
  const inputs = sizeAt(weight.shape, 1);
  assert(weight.compute === undefined, `${weight.name} is taken as it is`);
  const size = outputs / groups;
  const { source } = weight;
  const values: StoredTensor = {
    name: `${weight.name}.int8`,
    shape: [groups, inputs, size],
    type: 'INT8',
    source,
    compute: (rows) => quantizedRows(rows, inputs),
    transposedGroups: groups,
  };
  const scales: StoredTensor = {
    name: `${weight.name}.scale`,
    shape: [outputs],
    type: 'FLOAT',
    source,
    compute: (rows) => rowScales(rows, inputs),
  };
  return Array.from({ length: groups }, (_, group) => ({
    values: storedRows(values, group, 1, [inputs, size]),
    scales: storedRows(scales, group * size, size),
  }));
}

/** What a row's whole numbers are multiplied by: its largest value becomes 127. */
export function rowScales(rows: Float32Array, width: number): Float32Array {
  return Float32Array.from({ length: rows.length / width }, (_, row) => {
    let largest = 0;
    for (let i = row * width; i < (row + 1) * width; i += 1) {
      const magnitude = Math.abs(rows[i] as number);
      if (magnitude > largest) largest = magnitude;
    }
    return largest === 0 ? 1 : largest / LARGEST;
  });
}

/** Each row divided by its scale and rounded. */
export function quantizedRows(
  rows: Float32Array,
  width: number,
  scales = rowScales(rows, width),
): Int8Array {
  const values = new Int8Array(rows.length);
  for (const [row, scale] of scales.entries()) {
    for (let i = row * width; i < (row + 1) * width; i += 1) {
      const whole = Math.round((rows[i] as number) / scale);
      // A scale below the least normal number has few digits.
      values[i] = Math.max(-LARGEST, Math.min(whole, LARGEST));
    }
  }
  return values;
}
