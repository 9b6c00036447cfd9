import { floats, int64s } from '#shared/onnx/constant.ts';
import { concat, reshapeTo, shapeOf, transpose } from '#shared/onnx/ops/arrange.ts';
import { mul } from '#shared/onnx/ops/elementwise.ts';
import { conv, matMul } from '#shared/onnx/ops/network.ts';
import { dimAt, productOf, type Shape, sizeAt } from '#shared/onnx/shape.ts';
import type { Var } from '#shared/onnx/value.ts';
import type { Band } from './bands.ts';
import { unfolded } from './unfolded.ts';
import { type Axis, kronecker, TILE, transposed } from './winograd-axis.ts';

/** How a convolution treats each tile. */
export interface TileTransform {
  readonly rows: Axis;
  readonly columns: Axis;
  /** `[points, 1, …]`: the filters that turn windows into points, as {@link windowFilters} has them. */
  readonly filters: Var;
  /** `[1, points, outputs, C]`, some outputs each, as `kernelPoints` makes them. */
  readonly weights: readonly Var[];
}

/** The filters that turn an image's windows into points. */
export function windowFilters(rows: Axis, columns: Axis, image: Var): Var {
  const window = [rows, columns].map((axis) => axis.image[0]?.length ?? 0);
  const matrix = kronecker(rows.image, columns.image);
  return unfolded(floats(matrix.flat(), [matrix.length, 1, ...window]), image);
}

/**
 * A 3×3 convolution by Winograd's algorithm, tile by tile: windows of the image are turned into
 * points, multiplied as one matrix per point, and the products turned back into pixels.
 *
 * The order of the axes is everywhere the one that needs no transposition but those that
 * onnxruntime does as part of a product.
 *
 * @returns `[N, outputs, …, …]`, whole tiles: at the right and below may be more pixels than asked
 */
export function convolveTiles(band: Band, transform: TileTransform): Var {
  const { rows, columns, weights } = transform;
  const points = rows.image.length * columns.image.length;
  const inputs = sizeAt(band.rows.shape, 1);
  const batch = dimAt(band.rows.shape, 0);
  const batchSize = shapeOf(band.rows, 0, 1);
  const tiles = transformedTiles(band, transform.filters);
  const tilesAcross = shapeOf(tiles, 3, 4);
  const grouped = reshapeTo(tiles, concat([int64s([inputs]), batchSize, int64s([points, -1])], 0), [
    inputs,
    batch,
    points,
    'tiles',
  ]);
  const image = transpose(grouped, [1, 2, 0, 3]);
  const parts = weights.map((weight) => {
    const product = pointsFirst(matMul(weight, image));
    return pixelsOf(product, rows, columns, { batchSize, tilesAcross });
  });
  return concat(parts, 1);
}

/** `[N, C, h, w]` → `[C·N, points, tiles down, tiles across]`: every plane's windows as points. */
function transformedTiles({ rows: image, isFirst, isLast }: Band, filters: Var): Var {
  const [height, width] = [dimAt(image.shape, 2), dimAt(image.shape, 3)];
  const channelsFirst = isOne(image.shape) ? image : transpose(image, [1, 0, 2, 3]);
  const planes = reshapeTo(channelsFirst, concat([int64s([-1, 1]), shapeOf(image, 2, 4)], 0), [
    'planes',
    1,
    height,
    width,
  ]);
  const padding = { top: isFirst ? 1 : 0, bottom: isLast ? TILE : 0, left: 1, right: TILE };
  return conv(planes, filters, undefined, { stride: TILE, padding });
}

/** `[N, points, outputs, tiles]` → `[points, N, outputs, tiles]`. */
function pointsFirst(product: Var): Var {
  // For one image this order is the other, too, and onnxruntime would copy it all the same.
  return isOne(product.shape) ? product : transpose(product, [1, 0, 2, 3]);
}

interface Tiling {
  readonly batchSize: Var;
  readonly tilesAcross: Var;
}

/** Points of the rows' direction first, then of the columns', which puts pixels side by side. */
function pixelsOf(
  product: Var,
  rows: Axis,
  columns: Axis,
  { batchSize, tilesAcross }: Tiling,
): Var {
  const outputs = sizeAt(product.shape, 2);
  const across = columns.result[0]?.length ?? 0;
  const views = (...sizes: readonly number[]) => concat([int64s(sizes), tilesAcross], 0);
  const byRow = reshapeTo(product, views(rows.result.length, -1), [
    rows.result.length,
    'lines',
    'tiles_across',
  ]);
  const down = transposed(rows.result);
  const lines = matMul(
    floats(down.flat(), [1, down.length, rows.result.length]),
    transpose(byRow, [1, 0, 2]),
  );
  const byColumn = reshapeTo(lines, views(columns.result.length, -1), [
    columns.result.length,
    'lines',
    'tiles_across',
  ]);
  const back = floats(columns.result.flat(), [1, columns.result.length, across]);
  const pixels = matMul(transpose(byColumn, [1, 2, 0]), back);
  const width = mul(tilesAcross, int64s([across]));
  return reshapeTo(pixels, concat([batchSize, int64s([outputs, -1]), width], 0), [
    'batch',
    outputs,
    'tiled_rows',
    productOf([across, 'tiles_across']),
  ]);
}

const isOne = (shape: Shape): boolean => dimAt(shape, 0) === 1;
