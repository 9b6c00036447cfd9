import { assert } from '#shared/core/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { DTYPE_BYTES, type Dtype, elementCount, type LazyTensor } from './tensor.ts';

/** Where a tensor's values lie in a source: strides are in elements. */
export interface StridedLayout {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** Byte of the first value. */
  readonly offset: number;
}

/** The strides of a contiguous row-major tensor. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] ?? 1) * Math.max(shape[axis + 1] ?? 1, 1);
  }
  return strides;
}

/** Elements from the first to the last, inclusive; 0 for an empty tensor. */
export function elementExtent(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((extent, size, axis) => extent + (size - 1) * (strides[axis] ?? 0), 1);
}

/** A lazy tensor over a source. The caller has checked that the whole extent lies inside. */
export function stridedTensor(source: ByteSource, layout: StridedLayout): LazyTensor {
  const { name, dtype, shape, offset } = layout;
  const count = elementCount(shape);
  const size = DTYPE_BYTES[dtype];
  const expected = rowMajorStrides(shape);
  const contiguous =
    count === 0 ||
    shape.every((length, axis) => length === 1 || layout.strides[axis] === expected[axis]);
  return {
    name,
    dtype,
    shape,
    byteLength: count * size,
    file: source.path,
    offset: contiguous ? offset : undefined,
    read(start = 0, end = count, into) {
      assert(start >= 0 && start <= end && end <= count, `${name}: values ${start} to ${end}`);
      return contiguous
        ? source.read(offset + start * size, (end - start) * size, into)
        : gather(source, layout, start, end, into);
    },
  };
}

/** Reads row-major values `[start, end)` of a tensor that is stored in another order. */
function gather(
  source: ByteSource,
  layout: StridedLayout,
  start: number,
  end: number,
  into?: Uint8Array,
): Uint8Array {
  const size = DTYPE_BYTES[layout.dtype];
  const target = into?.subarray(0, (end - start) * size) ?? new Uint8Array((end - start) * size);
  if (start === end) return target;
  const places = placesOf(layout, start, end);
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const place of places) {
    if (place < first) first = place;
    if (place > last) last = place;
  }
  const span = source.read(layout.offset + first * size, (last - first + 1) * size);
  let to = 0;
  for (const place of places) {
    const from = (place - first) * size;
    for (let byte = 0; byte < size; byte++) target[to++] = span[from + byte] as number;
  }
  return target;
}

/** The storage elements of row-major values `[start, end)`, relative to the tensor's first. */
function placesOf(layout: StridedLayout, start: number, end: number): Float64Array {
  const { shape, strides } = layout;
  const index = shape.map(() => 0);
  let rest = start;
  let place = 0;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] as number;
    index[axis] = rest % length;
    rest = Math.floor(rest / length);
    place += (index[axis] as number) * (strides[axis] as number);
  }
  const places = new Float64Array(end - start);
  for (let value = 0; value < places.length; value++) {
    places[value] = place;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      place += strides[axis] as number;
      if (next < (shape[axis] as number)) {
        index[axis] = next;
        break;
      }
      place -= next * (strides[axis] as number);
      index[axis] = 0;
    }
  }
  return places;
}
