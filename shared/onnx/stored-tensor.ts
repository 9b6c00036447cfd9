import { assert } from '#shared/core/errors.ts';
import { ELEMENT_BYTES } from './element-type.ts';
import { dimAt, elementCount } from './shape.ts';
import type { Var } from './value.ts';

/** A tensor of a checkpoint, by the part of the repository that it belongs to and its name there. */
export interface CheckpointTensor {
  readonly part: string;
  readonly name: string;
  readonly shape: readonly number[];
}

/** Element types that weights are stored as. */
export type StoredType = 'FLOAT' | 'FLOAT16';

/** A tensor of a model's weight file: taken from the checkpoint as it is, or computed from it. */
export interface StoredTensor {
  /** Unique in the weight file. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: StoredType;
  readonly source: CheckpointTensor;
  /** Computes some rows from the same rows of the source; absent when they are taken as they are. */
  readonly compute?: (rows: Float32Array) => Float32Array;
}

/** Bytes that a stored tensor takes. */
export const tensorBytes = ({ shape, type }: StoredTensor): number =>
  elementCount(shape) * ELEMENT_BYTES[type];

/** A stored tensor as a value, in its own shape or another with the same elements. */
export function stored(tensor: StoredTensor, shape: readonly number[] = tensor.shape): Var {
  assert(
    elementCount(shape) === elementCount(tensor.shape),
    `${tensor.name} of [${tensor.shape.join(', ')}] seen as [${shape.join(', ')}]`,
  );
  return { type: tensor.type, shape, origin: { kind: 'stored', tensor, start: 0 } };
}

/**
 * Rows `[start, start + count)` of a stored tensor, as they are or in another shape: no copy, only
 * another place in the file.
 */
export function storedRows(
  tensor: StoredTensor,
  start: number,
  count: number,
  shape?: readonly number[],
): Var {
  const rest = tensor.shape.slice(1);
  const own = [count, ...rest];
  const rows = dimAt(tensor.shape, 0);
  assert(typeof rows === 'number' && start + count <= rows, `rows of ${tensor.name}`);
  assert(
    shape === undefined || elementCount(shape) === elementCount(own),
    `${tensor.name} [${own.join(', ')}] seen as [${shape?.join(', ')}]`,
  );
  return {
    type: tensor.type,
    shape: shape ?? own,
    origin: { kind: 'stored', tensor, start: start * elementCount(rest) },
  };
}
