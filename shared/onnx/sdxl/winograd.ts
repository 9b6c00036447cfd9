import { int64s } from '#shared/onnx/constant.ts';
import { concat, crop, reshapeTo, shapeOf, sliceRows } from '#shared/onnx/ops/arrange.ts';
import { add, cast, div, mul } from '#shared/onnx/ops/elementwise.ts';
import { dimAt, productOf } from '#shared/onnx/shape.ts';
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
  const bands = bandsOf(image, scale).map((band) => {
    const tiles = convolveTiles(
      { ...band, rows: prepare(band.rows) },
      weights,
      THREE_TAPS,
      THREE_TAPS,
    );
    // Whole tiles have the image's size, where that is a multiple of theirs.
    return add(scale % TILE === 0 ? tiles : cropLike(tiles, image), bias);
  });
  return { ...joinRows(bands), shape: image.shape.with(1, outputs) };
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
  const [height, width] = [shapeOf(image, 2, 3), mul(shapeOf(image, 3, 4), int64s([2]))];
  const [rowsName, columnsName] = [dimAt(image.shape, 2), productOf([2, dimAt(image.shape, 3)])];
  const phases = ([0, 1] as const).map((phase) => {
    const rows = phaseOfDouble(phase);
    const shape = { inputs: channels, outputs: channels };
    return { rows, weights: kernelPoints(scope, shape, rows, columns, image) };
  });
  const target = concat([shapeOf(image, 0, 1), int64s([channels, -1]), width], 0);
  const doubled = image.shape
    .with(1, channels)
    .with(2, productOf([2, rowsName]))
    .with(3, columnsName);
  const bands = bandsOf(image, scale).map((band) => {
    const lines = phases.map(({ rows, weights }) => {
      const tiles = convolveTiles(band, weights, rows, columns);
      const size = [rowsName, columnsName] as const;
      const pixels = scale % TILE === 0 ? tiles : crop(tiles, concat([height, width], 0), size);
      const line = concat([int64s([-1, 1]), width], 0);
      return reshapeTo(add(pixels, bias), line, ['lines', 1, columnsName]);
    });
    return reshapeTo(concat(lines, 1), target, doubled);
  });
  return { ...joinRows(bands), shape: doubled };
}

const joinRows = (bands: readonly Var[]): Var =>
  bands.length === 1 ? (bands[0] as Var) : concat(bands, 2);

const biasOf = (scope: Scope, outputs: number): Var =>
  cast(stored(scope.tensor('bias', [outputs]), [outputs, 1, 1]), 'FLOAT');

const cropLike = (tiles: Var, image: Var): Var =>
  crop(tiles, shapeOf(image, 2, 4), [dimAt(image.shape, 2), dimAt(image.shape, 3)]);

/**
 * A large image in bands of rows, each with the row above and the row below it: the tiles of all at
 * once would take several times the image's memory.
 */
function bandsOf(image: Var, scale: number): readonly Band[] {
  if (scale < MIN_SCALE_OF_BANDS) return [{ rows: image, top: 1, bottom: TILE }];
  const height = shapeOf(image, 2, 3);
  const count = (MIN_BANDED_LATENTS * scale) / TILE;
  const edge = (index: number): Var =>
    mul(div(mul(height, int64s([index])), int64s([count * TILE])), int64s([TILE]));
  return Array.from({ length: count }, (_, index) => {
    const [isFirst, isLast] = [index === 0, index === count - 1];
    const start = add(edge(index), int64s([isFirst ? 0 : -1]));
    const end = add(edge(index + 1), int64s([isLast ? 0 : 1]));
    const rows = sliceRows(image, start, end, 'band');
    return { rows, top: isFirst ? 1 : 0, bottom: isLast ? TILE : 0 };
  });
}
