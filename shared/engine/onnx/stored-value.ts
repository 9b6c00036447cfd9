import { assert } from '#shared/core/errors.ts';
import { elementCount } from './shape.ts';
import type { StoredTensor } from './stored-tensor.ts';
import type { Var } from './value.ts';

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
  const [rows = 0, ...rest] = tensor.shape;
  assert(start + count <= rows, `rows of ${tensor.name}`);
  const { type, shape: seen } = stored({ ...tensor, shape: [count, ...rest] }, shape);
  return {
    type,
    shape: seen,
    origin: { kind: 'stored', tensor, start: start * elementCount(rest) },
  };
}
