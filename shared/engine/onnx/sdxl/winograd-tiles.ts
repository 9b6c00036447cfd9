import { floats, int64s } from '#shared/engine/onnx/constant.ts';
import { concat, reshape, reshapeTo, shapeOf, transpose } from '#shared/engine/onnx/ops/arrange.ts';
import { add, div, mul } from '#shared/engine/onnx/ops/elementwise.ts';
import { conv, matMul } from '#shared/engine/onnx/ops/network.ts';
import { type Dim, dimAt, type Shape, sizeAt, UNKNOWN } from '#shared/engine/onnx/shape.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { type Band, someRows } from './bands.ts';
import { unfolded } from './unfolded.ts';
import { type Axis, kronecker, TILE, transposed } from './winograd-axis.ts';

/** How a convolution by Winograd's algorithm treats the tiles of an image, in any band. */
export interface TileTransform {
  /** `[points, 1, …]`: filters that turn windows into points. */
  readonly filters: Var;
  /** `[1, points, outputs, C]`, some outputs each, as `kernelPoints` makes them. */
  readonly weights: readonly Var[];
  readonly rows: Axis;
  readonly columns: Axis;
  readonly shapes: TileShapes;
}

/** The successive shapes of a band's values, as int64 vectors. */
interface TileShapes {
  /** `[C, N, points, tiles]` */
  readonly points: Var;
  /** `[points of a column, …, tiles across]` */
  readonly byRow: Var;
  /** `[points of a row, …, tiles across]` */
  readonly byColumn: Var;
  /** `[N, outputs, h, w]` */
  readonly pixels: Var;
}

/** @param weights `[1, points, outputs, C]`, some outputs each */
export function tileTransform(
  rows: Axis,
  columns: Axis,
  weights: readonly Var[],
  image: Var,
): TileTransform {
  const window = [rows, columns].map((axis) => axis.image[0]?.length ?? 0);
  const matrix = kronecker(rows.image, columns.image);
  const filters = unfolded(floats(matrix.flat(), [matrix.length, 1, ...window]), image);
  const [outputs, inputs] = [2, 3].map((axis) => sizeAt(weights[0]?.shape ?? [], axis));
  const across = columns.result[0]?.length ?? 0;
  const batch = shapeOf(someRows(image), 0, 1);
  const width = shapeOf(someRows(image), 3, 4);
  const tilesAcross = div(add(width, int64s([TILE - 1])), int64s([TILE]));
  const shapes = {
    points: concat([int64s([inputs ?? 0]), batch, int64s([matrix.length, -1])], 0),
    byRow: concat([int64s([rows.result.length, -1]), tilesAcross], 0),
    byColumn: concat([int64s([columns.result.length, -1]), tilesAcross], 0),
    pixels: concat([batch, int64s([outputs ?? 0, -1]), mul(tilesAcross, int64s([across]))], 0),
  };
  return { filters, weights, rows, columns, shapes };
}

/**
 * A 3×3 convolution by Winograd's algorithm, tile by tile: windows of the image are turned into
 * points, multiplied as one matrix per point, and the products turned back into pixels.
 *
 * The axes are ordered so that the only transpositions are those that onnxruntime does as part of a
 * product.
 *
 * @returns `[N, outputs, …, …]`, whole tiles: there may be excess pixels at the right and the bottom
 */
export function convolveTiles(band: Band, transform: TileTransform): Var {
  const [batch, inputs] = [dimAt(band.rows.shape, 0), dimAt(band.rows.shape, 1)];
  const tiles = transformedTiles(band, transform.filters);
  const grouped = reshapeTo(tiles, transform.shapes.points, [
    inputs,
    batch,
    sizeAt(transform.filters.shape, 0),
    UNKNOWN,
  ]);
  const image = transpose(grouped, [1, 2, 0, 3]);
  const parts = transform.weights.map((weight) =>
    pixelsOf(pointsFirst(matMul(weight, image)), transform, batch),
  );
  return concat(parts, 1);
}

/** `[N, C, h, w]` → `[C·N, points, tiles down, tiles across]`: every plane's windows as points. */
function transformedTiles({ rows: image, isFirst, isLast }: Band, filters: Var): Var {
  const channelsFirst = isOne(image.shape) ? image : transpose(image, [1, 0, 2, 3]);
  const planes = reshape(channelsFirst, [-1, 1, 0, 0]);
  const padding = { top: isFirst ? 1 : 0, bottom: isLast ? TILE : 0, left: 1, right: TILE };
  return conv(planes, filters, undefined, { stride: TILE, padding });
}

/** `[N, points, outputs, tiles]` → `[points, N, outputs, tiles]`. */
function pointsFirst(product: Var): Var {
  // For one image both orders are the same, and onnxruntime would copy all the same.
  return isOne(product.shape) ? product : transpose(product, [1, 0, 2, 3]);
}

/** Points of the rows' direction first, then of the columns', which puts pixels side by side. */
function pixelsOf(product: Var, { rows, columns, shapes }: TileTransform, batch: Dim): Var {
  const outputs = sizeAt(product.shape, 2);
  const across = columns.result[0]?.length ?? 0;
  const byRow = reshapeTo(product, shapes.byRow, [rows.result.length, UNKNOWN, UNKNOWN]);
  const down = transposed(rows.result);
  const lines = matMul(
    floats(down.flat(), [1, down.length, rows.result.length]),
    transpose(byRow, [1, 0, 2]),
  );
  const byColumn = reshapeTo(lines, shapes.byColumn, [columns.result.length, UNKNOWN, UNKNOWN]);
  const back = floats(columns.result.flat(), [1, columns.result.length, across]);
  const pixels = matMul(transpose(byColumn, [1, 2, 0]), back);
  return reshapeTo(pixels, shapes.pixels, [batch, outputs, UNKNOWN, UNKNOWN]);
}

const isOne = (shape: Shape): boolean => dimAt(shape, 0) === 1;
