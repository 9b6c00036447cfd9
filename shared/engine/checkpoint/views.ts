import { DTYPE_BYTES, elementCount, type LazyTensor } from './tensor.ts';

/** The same tensor under another name. */
export function renamed(tensor: LazyTensor, name: string): LazyTensor {
  return { ...tensor, name };
}

/** The same values in another shape of as many elements. */
export function reshaped(tensor: LazyTensor, shape: readonly number[]): LazyTensor {
  return { ...tensor, shape };
}

/** Part `index` of a tensor that is cut into `count` equal ones along its first axis. */
export function split(tensor: LazyTensor, index: number, count: number): LazyTensor {
  const [rows = 0, ...inner] = tensor.shape;
  const shape = [rows / count, ...inner];
  const values = elementCount(shape);
  const first = index * values;
  const size = DTYPE_BYTES[tensor.dtype];
  return {
    ...tensor,
    shape,
    byteLength: values * size,
    offset: tensor.offset === undefined ? undefined : tensor.offset + first * size,
    read: (start = 0, end = values, into) => tensor.read(first + start, first + end, into),
  };
}

/** A matrix with its axes exchanged. Each read goes over the whole matrix. */
export function transposed(tensor: LazyTensor): LazyTensor {
  const [rows = 0, columns = 0] = tensor.shape;
  const size = DTYPE_BYTES[tensor.dtype];
  const count = rows * columns;
  return {
    ...tensor,
    shape: [columns, rows],
    offset: undefined,
    read(start = 0, end = count, into) {
      const source = tensor.read();
      const length = (end - start) * size;
      const target = into?.subarray(0, length) ?? new Uint8Array(length);
      for (let value = start; value < end; value++) {
        const from = ((value % rows) * columns + Math.floor(value / rows)) * size;
        const to = (value - start) * size;
        for (let byte = 0; byte < size; byte++) target[to + byte] = source[from + byte] as number;
      }
      return target;
    },
  };
}
