import { int64s } from '#shared/onnx/constant.ts';
import { concat, crop, reshapeTo, shapeOf, sliceRows } from '#shared/onnx/ops/arrange.ts';
import { add, cast, div, mul } from '#shared/onnx/ops/elementwise.ts';
import { dimAt, productOf, type Shape } from '#shared/onnx/shape.ts';
import { stored } from '#shared/onnx/stored-tensor.ts';
import type { Var } from '#shared/onnx/value.ts';
import type { ImageConv } from './dialect.ts';
import type { Scope } from './scope.ts';
import { bothPhasesOfDouble, phaseOfDouble, THREE_TAPS, TILE } from './winograd-axis.ts';
import { kernelPoints } from './winograd-kernels.ts';
import { type Band, convolveTiles } from './winograd-tiles.ts';

const KERNEL = 3;
/** With fewer channels, the transforms cost what the multiplications save. */
const MIN_CHANNELS = 128;
/** Images at least so much larger than the latents are convolved in bands of rows. */
const MIN_SCALE_OF_BANDS = 4;
/** Rows that latents must have where there are bands, so that each gets a row of tiles. */
export const MIN_BANDED_LATENTS = 8;

/** A scale that images of any height have: without bands, if larger ones would have them. */
export const bandless = (scale: number | undefined): number | undefined =>
  scale === undefined ? undefined : Math.min(scale, MIN_SCALE_OF_BANDS / 2);

/** Whether a convolution is faster this way. */
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
 * @param prepare done to the image's pixels before, some rows at a time while they are in the cache
 */
export function winogradConv(
  image: Var,
  scope: Scope,
  shape: ImageConv,
  prepare: (rows: Var) => Var = (rows) => rows,
): Var {
  const { outputs, scale = 1 } = shape;
  const weights = kernelPoints(scope, shape, THREE_TAPS, THREE_TAPS, image);
  const bias = biasOf(scope, outputs);
  const result = image.shape.with(1, outputs);
  const bands = bandsOf(image, scale).map((band) => {
    const prepared = { ...band, rows: prepare(band.rows) };
    const tiles = convolveTiles(prepared, weights, THREE_TAPS, THREE_TAPS);
    return add(cropped(tiles, scale, shapeOf(image, 2, 4), result), bias);
  });
  return { ...concat(bands, 2), shape: result };
}

/**
 * Doubling an image by its nearest pixels and a 3×3 convolution after it, computed from the small
 * image: each of the four interleaved parts of the result sees only 2×2 different pixels, and takes
 * 25 multiplications for 16 of them instead of 144.
 *
 * @param scale how many times larger the small image is than the latents
 */
export function winogradDouble(image: Var, scope: Scope, channels: number, scale: number): Var {
  const columns = bothPhasesOfDouble();
  const bias = biasOf(scope, channels);
  const phases = ([0, 1] as const).map((phase) => {
    const rows = phaseOfDouble(phase);
    const shape = { inputs: channels, outputs: channels };
    return { rows, weights: kernelPoints(scope, shape, rows, columns, image) };
  });
  const width = mul(shapeOf(image, 3, 4), int64s([2]));
  const size = concat([shapeOf(image, 2, 3), width], 0);
  const wide = image.shape.with(1, channels).with(3, productOf([2, dimAt(image.shape, 3)]));
  const doubled = wide.with(2, productOf([2, dimAt(image.shape, 2)]));
  const line = concat([int64s([-1, 1]), width], 0);
  const target = concat([shapeOf(image, 0, 1), int64s([channels, -1]), width], 0);
  const bands = bandsOf(image, scale).map((band) => {
    const lines = phases.map(({ rows, weights }) => {
      const tiles = convolveTiles(band, weights, rows, columns);
      const pixels = add(cropped(tiles, scale, size, wide), bias);
      return reshapeTo(pixels, line, ['lines', 1, dimAt(wide, 3)]);
    });
    return reshapeTo(concat(lines, 1), target, doubled);
  });
  return { ...concat(bands, 2), shape: doubled };
}

const biasOf = (scope: Scope, outputs: number): Var =>
  cast(stored(scope.tensor('bias', [outputs]), [outputs, 1, 1]), 'FLOAT');

/** Tiles without what they have too much. Whole ones fit, where the image is a multiple of them. */
const cropped = (tiles: Var, scale: number, size: Var, shape: Shape): Var =>
  scale % TILE === 0 ? tiles : crop(tiles, size, [dimAt(shape, 2), dimAt(shape, 3)]);

/**
 * A large image in bands of rows, each with the row above and the row below it: the tiles of all at
 * once would take several times the image's memory.
 */
function bandsOf(image: Var, scale: number): readonly Band[] {
  if (scale < MIN_SCALE_OF_BANDS) return [{ rows: image, top: 1, bottom: TILE }];
  const height = shapeOf(image, 2, 3);
  const count = (MIN_BANDED_LATENTS * scale) / TILE;
  const edges = Array.from({ length: count + 1 }, (_, index) =>
    mul(div(mul(height, int64s([index])), int64s([count * TILE])), int64s([TILE])),
  );
  return edges.slice(1).map((edge, index) => {
    const [isFirst, isLast] = [index === 0, index === count - 1];
    const start = add(edges[index] as Var, int64s([isFirst ? 0 : -1]));
    const end = add(edge, int64s([isLast ? 0 : 1]));
    const rows = sliceRows(image, start, end, 'band');
    return { rows, top: isFirst ? 1 : 0, bottom: isLast ? TILE : 0 };
  });
}
