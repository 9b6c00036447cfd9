import { assert } from '#shared/core/errors.ts';
import { floats, int64s } from '#shared/engine/onnx/constant.ts';
import {
  type Dim,
  dimAt,
  productOf,
  type Shape,
  sizeAt,
  sumOf,
  UNKNOWN,
} from '#shared/engine/onnx/shape.ts';
import { makeNode, makeOp, type Var } from '#shared/engine/onnx/value.ts';

/** A reshape's target: 0 keeps the dimension at that place, −1 (once) takes what is left. */
export function reshape(x: Var, target: readonly number[]): Var {
  const kept = target.map((size, axis): Dim => (size === 0 ? dimAt(x.shape, axis) : size));
  const shape = kept.map((dim) => (dim === -1 ? remaining(x.shape, kept) : dim));
  return makeOp('Reshape', [x, int64s(target)], { type: x.type, shape });
}

/** The size that `-1` stands for: what the other dimensions leave of the input's elements. */
function remaining(from: Shape, to: Shape): Dim {
  const left = [...from];
  let divisor = 1;
  for (const dim of to) {
    const same = left.indexOf(dim);
    if (same >= 0) left.splice(same, 1);
    else if (dim !== -1) divisor *= sizeAt([dim], 0);
  }
  const known = left.filter((dim) => typeof dim === 'number').reduce((a, b) => a * b, 1);
  assert(known % divisor === 0, `[${from.join(', ')}] reshaped to [${to.join(', ')}]`);
  return productOf([known / divisor, ...left.filter((dim) => typeof dim === 'string')]);
}

/** x in the shape that `like` has when the graph runs. */
export const reshapeLike = (x: Var, like: Var): Var =>
  makeOp('Reshape', [x, shapeOf(like)], { type: x.type, shape: like.shape });

/** The dimensions `[start, end)` of x's shape as an int64 vector. */
export function shapeOf(x: Var, start = 0, end = x.shape.length): Var {
  return makeOp(
    'Shape',
    [x],
    { type: 'INT64', shape: [end - start] },
    { start: BigInt(start), end: BigInt(end) },
  );
}

export function transpose(x: Var, order: readonly number[]): Var {
  const shape = order.map((axis) => dimAt(x.shape, axis));
  return makeOp('Transpose', [x], { type: x.type, shape }, { perm: order.map(BigInt) });
}

/** Values one after the other along an axis; one alone is itself. */
export function concat(parts: readonly Var[], axis: number): Var {
  const [first] = parts;
  assert(first !== undefined, 'concat of something');
  if (parts.length === 1) return first;
  const shape = first.shape.with(axis, sumOf(parts.map((part) => dimAt(part.shape, axis))));
  return makeOp('Concat', parts, { type: first.type, shape }, { axis: BigInt(axis) });
}

/** Cuts an axis of known size into equal parts. */
export function split(x: Var, axis: number, count: number): readonly Var[] {
  const size = sizeAt(x.shape, axis);
  assert(size % count === 0, `${size} split in ${count}`);
  const shape = x.shape.with(axis, size / count);
  return makeNode(
    {
      domain: '',
      opType: 'Split',
      inputs: [x],
      attributes: { axis: BigInt(axis), num_outputs: BigInt(count) },
    },
    Array.from({ length: count }, () => ({ type: x.type, shape })),
  );
}

/** Inserts axes of size 1 so that they come out at the given places. */
export function unsqueeze(x: Var, axes: readonly number[]): Var {
  const shape = [...x.shape];
  for (const axis of axes) shape.splice(axis, 0, 1);
  return makeOp('Unsqueeze', [x, int64s(axes)], { type: x.type, shape });
}

/** Rows of a table by int32 or int64 indices. */
export function gatherRows(table: Var, indices: Var): Var {
  const shape = [...indices.shape, ...table.shape.slice(1)];
  return makeOp('Gather', [table, indices], { type: table.type, shape }, { axis: 0n });
}

/** For each batch row b, the slice `x[b, index[b, 0]]`; index is int64 `[N, 1]`. */
export function gatherPerRow(x: Var, index: Var): Var {
  const shape = [dimAt(x.shape, 0), ...x.shape.slice(2)];
  return makeOp('GatherND', [x, index], { type: x.type, shape }, { batch_dims: 1n });
}

/** x broadcast to a shape that is computed in the graph. */
export const expand = (x: Var, target: Var, shape: Shape): Var =>
  makeOp('Expand', [x, target], { type: x.type, shape });

/** x in a shape that is computed in the graph. */
export const reshapeTo = (x: Var, target: Var, shape: Shape): Var =>
  makeOp('Reshape', [x, target], { type: x.type, shape });

/**
 * The upper left part of `[N, C, h, w]`.
 *
 * @param size int64 `[2]`: its height and width, whose names are `height` and `width`
 */
export function crop(x: Var, size: Var, [height, width]: readonly [Dim, Dim]): Var {
  const inputs = [x, int64s([0, 0]), size, int64s([2, 3])];
  const shape = [...x.shape.slice(0, 2), height, width];
  return makeOp('Slice', inputs, { type: x.type, shape });
}

/** Rows of `[N, C, h, w]` from `start` to before `end`, both int64 `[1]`; there may be fewer. */
export function sliceRows(x: Var, start: Var, end: Var, rows: Dim = UNKNOWN): Var {
  const shape = x.shape.with(2, rows);
  return makeOp('Slice', [x, start, end, int64s([2])], { type: x.type, shape });
}

/**
 * Each pixel of an image twice in both directions.
 *
 * @param rows the axis of its rows; columns are the next
 */
export function doubleNearest(x: Var, rows = 2): Var {
  const scales = x.shape.map((_, axis) => (axis === rows || axis === rows + 1 ? 2 : 1));
  const shape = x.shape.map((dim, axis) => productOf([scales[axis] ?? 1, dim]));
  return makeOp('Resize', [x, undefined, floats(scales)], { type: x.type, shape }, NEAREST);
}

/**
 * An image resized to the height and width of another, by the nearest pixel before.
 *
 * @param rows the axis of their rows; columns are the next
 */
export function resizeNearestLike(x: Var, like: Var, rows = 2): Var {
  const after = x.shape.length;
  const parts = [shapeOf(x, 0, rows), shapeOf(like, rows, rows + 2)];
  if (rows + 2 < after) parts.push(shapeOf(x, rows + 2, after));
  const shape = x.shape
    .with(rows, dimAt(like.shape, rows))
    .with(rows + 1, dimAt(like.shape, rows + 1));
  return makeOp(
    'Resize',
    [x, undefined, undefined, concat(parts, 0)],
    { type: x.type, shape },
    NEAREST,
  );
}

const NEAREST = {
  mode: 'nearest',
  nearest_mode: 'floor',
  coordinate_transformation_mode: 'asymmetric',
} as const;
