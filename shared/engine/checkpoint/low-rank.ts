import { assert } from '#shared/core/errors.ts';
import { convert } from './convert.ts';
import { elementCount, type LazyTensor } from './tensor.ts';

/** A low-rank change of a weight: `factor · up · down`, both seen as matrices. */
export interface LowRank {
  /** `[outputs, rank]` */
  readonly up: Float32Array;
  /** `[rank, columns]`, the weight's row length */
  readonly down: Float32Array;
  readonly rank: number;
  readonly factor: number;
}

/** All values of a small tensor as float32. */
export function floatsOf(tensor: LazyTensor): Float32Array {
  return toFloats(convert(tensor.read(), tensor.dtype, 'F32'));
}

const toFloats = (bytes: Uint8Array): Float32Array => {
  const aligned = bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
};

/** A weight `[outputs, …]` with low-rank changes added in float32, computed as it is read. */
export function withLowRank(tensor: LazyTensor, changes: readonly LowRank[]): LazyTensor {
  const [rows = 1, ...rest] = tensor.shape;
  const columns = elementCount(rest);
  const count = rows * columns;
  return {
    ...tensor,
    dtype: 'F32',
    byteLength: count * Float32Array.BYTES_PER_ELEMENT,
    // Nowhere in the file.
    offset: undefined,
    read(start = 0, end = count, into) {
      const source = tensor.read(start, end);
      // A copy, since the reader may have been given the file's own bytes.
      const values = toFloats(convert(source, tensor.dtype, 'F32')).slice();
      for (const change of changes) addRows(values, start, columns, change);
      const bytes = new Uint8Array(values.buffer);
      if (into === undefined) return bytes;
      into.set(bytes);
      return into.subarray(0, bytes.length);
    },
  };
}

/** Adds a change to the values from element `start` of a matrix with so many columns. */
function addRows(
  values: Float32Array,
  start: number,
  columns: number,
  { up, down, rank, factor }: LowRank,
): void {
  assert(down.length === rank * columns, 'a change has the length of the rows');
  for (let done = 0; done < values.length; ) {
    const row = Math.floor((start + done) / columns);
    const first = (start + done) % columns;
    const length = Math.min(columns - first, values.length - done);
    const sum = new Float32Array(length);
    for (let k = 0; k < rank; k++) {
      const weight = up[row * rank + k] as number;
      const from = k * columns + first;
      for (let i = 0; i < length; i++) {
        sum[i] = (sum[i] as number) + weight * (down[from + i] as number);
      }
    }
    for (let i = 0; i < length; i++) {
      values[done + i] = (values[done + i] as number) + factor * (sum[i] as number);
    }
    done += length;
  }
}
