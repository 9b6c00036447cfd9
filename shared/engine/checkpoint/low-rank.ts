import { assert } from '#shared/core/errors.ts';
import { computedTensor } from './computed-tensor.ts';
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

/** A weight `[outputs, …]` with low-rank changes added in float32, computed as it is read. */
export function withLowRank(tensor: LazyTensor, changes: readonly LowRank[]): LazyTensor {
  const columns = elementCount(tensor.shape.slice(1));
  return computedTensor(tensor, (values, start) => {
    for (const change of changes) addRows(values, start, columns, change);
  });
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
