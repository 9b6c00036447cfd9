import { assert } from '#shared/core/errors.ts';

/**
 * A size that is known, or the name of one that is known only when the graph runs. Wherever a name
 * stands in a graph, it is the same size, for ONNX Runtime lets values of one shape share memory.
 */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** The one name that says nothing: it may be another size wherever it stands. Bands and tiles have it. */
export const UNKNOWN = '?';

/** Whether every size of a shape is known or has a name. */
export const isStated = (shape: Shape): boolean => !shape.includes(UNKNOWN);

/** The dimension at an index, counted from the end when negative. */
export function dimAt(shape: Shape, index: number): Dim {
  const dim = shape.at(index);
  assert(dim !== undefined, `axis ${index} of a shape of rank ${shape.length}`);
  return dim;
}

/** The size at an index, which must be known. */
export function sizeAt(shape: Shape, index: number): number {
  const dim = dimAt(shape, index);
  assert(typeof dim === 'number', `axis ${index} of [${shape.join(', ')}] must have a known size`);
  return dim;
}

/** Number of elements of a shape without names. */
export function elementCount(shape: Shape): number {
  return shape.reduce((count: number, _, index) => count * sizeAt(shape, index), 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, index) => dim === b[index]);
}

/** The product of dimensions; names are kept as one name such as `4*h*w`. */
export function productOf(dims: readonly Dim[]): Dim {
  if (!isStated(dims)) return UNKNOWN;
  let known = 1;
  const names: string[] = [];
  for (const dim of dims) {
    if (typeof dim === 'number') known *= dim;
    else names.push(dim);
  }
  if (names.length === 0) return known;
  return known === 1 ? names.join('*') : [known, ...names].join('*');
}

/** The sum of dimensions; names are kept as one name such as `(h+2)`. */
export function sumOf(dims: readonly Dim[]): Dim {
  if (!isStated(dims)) return UNKNOWN;
  const names = dims.filter((dim) => typeof dim === 'string');
  const known = dims.filter((dim) => typeof dim === 'number').reduce((a, b) => a + b, 0);
  return names.length === 0 ? known : `(${[...names, known].join('+')})`;
}

/** What numpy's broadcasting makes of two shapes; of two different names, one may be 1. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, index): Dim => {
    const left = a[index - rank + a.length] ?? 1;
    const right = b[index - rank + b.length] ?? 1;
    if (left === 1) return right;
    if (right === 1 || left === right) return left;
    if (typeof left === 'string' && typeof right === 'string') return UNKNOWN;
    assert(
      typeof left === 'string' || typeof right === 'string',
      `[${a.join(', ')}] and [${b.join(', ')}] broadcast`,
    );
    return typeof left === 'number' ? left : right;
  });
}

/** Output size of a window of `kernel` that moves by `stride` over `dim` with `padding` in all. */
export function windowed(dim: Dim, kernel: number, stride: number, padding: number): Dim {
  if (dim === UNKNOWN) return UNKNOWN;
  const margin = padding - kernel;
  if (typeof dim === 'number') return Math.floor((dim + margin) / stride) + 1;
  if (stride === 1 && margin === -1) return dim;
  return `((${dim}${margin < 0 ? '' : '+'}${margin})/${stride}+1)`;
}
