/** Element types of checkpoints, by their safetensors names. */
export const DTYPE_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const;

export type Dtype = keyof typeof DTYPE_BYTES;

/** A named tensor in its file; values are read on demand. */
export interface LazyTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Bytes that the values take in row-major order: product of shape × element size. */
  readonly byteLength: number;
  /** The file that holds the values. */
  readonly file: string;
  /** Where they begin in it, if they are contiguous, row-major and little-endian. */
  readonly offset: number | undefined;
  /**
   * Reads values `[start, end)` in row-major order, as little-endian bytes of `dtype`.
   *
   * @param into a buffer to reuse, at least as long as the values; the answer is a view of it
   */
  read(start?: number, end?: number, into?: Uint8Array): Uint8Array;
}

/** A checkpoint: one file, or several that one index joins. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, LazyTensor>;
  /** Free-form notes of a safetensors header; empty for other formats. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Closes the files; tensors can't be read afterwards. */
  close(): void;
}

/** How many values a tensor of this shape has; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
