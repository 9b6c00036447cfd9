import { convert } from './convert.ts';
import { elementCount, type LazyTensor } from './tensor.ts';

/** All values of a small tensor as float32. */
export function floatsOf(tensor: LazyTensor): Float32Array {
  return toFloats(tensor, tensor.read());
}

function toFloats({ dtype }: LazyTensor, source: Uint8Array): Float32Array {
  const bytes = convert(source, dtype, 'F32');
  const aligned = bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

/**
 * A tensor whose values are changed in float32 as they are read.
 *
 * @param change is given the values from element `start` on
 */
export function computedTensor(
  tensor: LazyTensor,
  change: (values: Float32Array, start: number) => void,
): LazyTensor {
  const count = elementCount(tensor.shape);
  return {
    ...tensor,
    dtype: 'F32',
    byteLength: count * Float32Array.BYTES_PER_ELEMENT,
    // Nowhere in the file.
    offset: undefined,
    read(start = 0, end = count, into) {
      // A copy, since the reader may have been given the file's own bytes.
      const values = toFloats(tensor, tensor.read(start, end)).slice();
      change(values, start);
      const bytes = new Uint8Array(values.buffer);
      if (into === undefined) return bytes;
      into.set(bytes);
      return into.subarray(0, bytes.length);
    },
  };
}
