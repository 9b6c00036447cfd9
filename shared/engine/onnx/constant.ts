import type { Shape } from './shape.ts';
import type { Var } from './value.ts';

/** A float32 constant inside the graph; a single number is a scalar. */
export function floats(values: number | readonly number[], shape?: Shape): Var {
  const list = typeof values === 'number' ? [values] : values;
  return constant('FLOAT', Float32Array.from(list), shape ?? shapeOf(values));
}

/** An int64 constant inside the graph, as shapes and axes are. */
export function int64s(values: number | readonly number[]): Var {
  const list = typeof values === 'number' ? [values] : values;
  return constant('INT64', BigInt64Array.from(list, BigInt), shapeOf(values));
}

/** An int32 constant inside the graph. */
export function int32s(values: number | readonly number[]): Var {
  const list = typeof values === 'number' ? [values] : values;
  return constant('INT32', Int32Array.from(list), shapeOf(values));
}

/** A uint8 constant inside the graph. */
export const uint8s = (values: readonly number[], shape: Shape): Var =>
  constant('UINT8', Uint8Array.from(values), shape);

/** An int8 constant inside the graph. */
export const int8s = (values: readonly number[], shape: Shape): Var =>
  constant('INT8', Int8Array.from(values), shape);

const shapeOf = (values: number | readonly number[]): Shape =>
  typeof values === 'number' ? [] : [values.length];

function constant(
  type: Var['type'],
  values: Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array,
  shape: Shape,
): Var {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { type, shape, origin: { kind: 'constant', bytes } };
}
