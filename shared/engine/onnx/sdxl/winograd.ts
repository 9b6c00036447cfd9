import { int64s } from '#shared/engine/onnx/constant.ts';
import { concat, crop, reshapeTo, shapeOf } from '#shared/engine/onnx/ops/arrange.ts';
import { add, cast, mul } from '#shared/engine/onnx/ops/elementwise.ts';
import { dimAt, productOf, type Shape, UNKNOWN } from '#shared/engine/onnx/shape.ts';
import { stored } from '#shared/engine/onnx/stored-value.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { isBanded, joined, someRows, withNeighbours } from './bands.ts';
import type { Scope } from './scope.ts';
import type { ImageConv } from './target.ts';
import { type Axis, bothPhasesOfDouble, phaseOfDouble, THREE_TAPS, TILE } from './winograd-axis.ts';
import { kernelPoints } from './winograd-kernels.ts';
import { convolveTiles, type TileTransform, tileTransform } from './winograd-tiles.ts';

const KERNEL = 3;
/** With fewer channels, the transforms cost what the multiplications save. */
const MIN_CHANNELS = 128;

/** Whether a convolution is faster with Winograd's algorithm. */
export function suitsWinograd({
  inputs,
  outputs,
  kernel,
  stride,
  padding,
  scale,
}: ImageConv): boolean {
  const isPlain = kernel === KERNEL && stride === undefined && padding === undefined;
  return isPlain && scale !== undefined && Math.min(inputs, outputs) >= MIN_CHANNELS;
}

/**
 * A 3×3 convolution of `[N, C, h, w]` by Winograd's algorithm, with a fourth of the
 * multiplications.
 *
 * @param prepare applied to the image's pixels first, some rows at a time while they are in the cache
 */
export function winogradConv(
  image: Var,
  scope: Scope,
  shape: ImageConv,
  prepare: (rows: Var) => Var = (rows) => rows,
): Var {
  const { outputs, scale = 1 } = shape;
  const transform = transformOf(THREE_TAPS, THREE_TAPS, scope, shape, image);
  const bias = biasOf(scope, outputs);
  const result = image.shape.with(1, outputs);
  const convolved = withNeighbours(image).map((band) => {
    const prepared = { ...band, rows: prepare(band.rows) };
    const tiles = convolveTiles(prepared, transform);
    return add(cropped(tiles, scale, shapeOf(image, 2, 4), result), bias);
  });
  return joined(convolved, result);
}

/**
 * Doubling an image by nearest pixels followed by a 3×3 convolution, computed from the small image:
 * each of the four interleaved parts of the result depends on only 2×2 different pixels, and takes 25
 * multiplications for 16 pixels instead of 144.
 *
 * @param scale how many times larger the small image is than the latents
 */
export function winogradDouble(image: Var, scope: Scope, channels: number, scale: number): Var {
  const columns = bothPhasesOfDouble();
  const bias = biasOf(scope, channels);
  const some = someRows(image);
  const shape = { inputs: channels, outputs: channels };
  const phases = ([0, 1] as const).map((phase) =>
    transformOf(phaseOfDouble(phase), columns, scope, shape, image),
  );
  const width = mul(shapeOf(some, 3, 4), int64s([2]));
  const wide = image.shape.with(1, channels).with(3, productOf([2, dimAt(image.shape, 3)]));
  const doubled = wide.with(2, productOf([2, dimAt(image.shape, 2)]));
  const line = concat([int64s([-1, 1]), width], 0);
  const size = concat([shapeOf(image, 2, 3), width], 0);
  const target = concat([shapeOf(some, 0, 1), int64s([channels, -1]), width], 0);
  const convolved = withNeighbours(image).map((band) => {
    const lines = phases.map((transform) => {
      const tiles = convolveTiles(band, transform);
      const pixels = add(cropped(tiles, scale, size, wide), bias);
      return reshapeTo(pixels, line, [UNKNOWN, 1, dimAt(wide, 3)]);
    });
    const rows = isBanded(image) ? UNKNOWN : dimAt(doubled, 2);
    return reshapeTo(concat(lines, 1), target, doubled.with(2, rows));
  });
  return joined(convolved, doubled);
}

function transformOf(
  rows: Axis,
  columns: Axis,
  scope: Scope,
  shape: Pick<ImageConv, 'inputs' | 'outputs'>,
  image: Var,
): TileTransform {
  return tileTransform(rows, columns, kernelPoints(scope, shape, rows, columns, image), image);
}

const biasOf = (scope: Scope, outputs: number): Var =>
  cast(stored(scope.tensor('bias', [outputs]), [outputs, 1, 1]), 'FLOAT');

/**
 * Tiles without their excess pixels. An image whose size is a multiple of a tile has none, and neither
 * have bands.
 */
const cropped = (tiles: Var, scale: number, size: Var, shape: Shape): Var =>
  scale % TILE === 0 ? tiles : crop(tiles, size, [dimAt(shape, 2), dimAt(shape, 3)]);
