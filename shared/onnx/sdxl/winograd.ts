import { floats, int64s } from '#shared/onnx/constant.ts';
import {
  concat,
  cropLike,
  depthToSpace,
  reshape,
  reshapeTo,
  shapeOf,
  transpose,
} from '#shared/onnx/ops/arrange.ts';
import { add, cast } from '#shared/onnx/ops/elementwise.ts';
import { conv, matMul } from '#shared/onnx/ops/network.ts';
import { dimAt } from '#shared/onnx/shape.ts';
import { stored } from '#shared/onnx/stored-tensor.ts';
import type { Var } from '#shared/onnx/value.ts';
import type { ImageConv } from './dialect.ts';
import type { Scope } from './scope.ts';

/** Pixels of the result per tile and side, and pixels of the image that they are made from. */
const TILE = 4;
const WINDOW = 6;
const KERNEL = 3;

/** Winograd's F(4×4, 3×3) of https://arxiv.org/abs/1509.09308: image, kernel and result transforms. */
const IMAGE_TRANSFORM = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];
const KERNEL_TRANSFORM = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];
const RESULT_TRANSFORM = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1],
];

/** Where a fourth of the multiplications wins over the memory that the transforms move, as measured. */
const MIN_CHANNELS = 512;
const MAX_SCALE = 2;

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
  const isWide = Math.min(inputs, outputs) >= MIN_CHANNELS;
  return isPlain && isWide && scale !== undefined && scale <= MAX_SCALE;
}

/**
 * A 3×3 convolution of `[N, C, h, w]`, h and w of any size, by Winograd's algorithm: tiles are
 * transformed, multiplied as 36 matrices with weights that were transformed at import, and
 * transformed back.
 */
export function winogradConv(image: Var, scope: Scope, { inputs, outputs }: ImageConv): Var {
  const points = WINDOW ** 2;
  const source = scope.ask('weight', [outputs, inputs, KERNEL, KERNEL]);
  const weight = scope.derived('weight.winograd', [points, outputs, inputs], [source], ([values]) =>
    transformKernels(values ?? new Float32Array(), outputs * inputs),
  );
  const bias = stored(scope.tensor('bias', [outputs]), [outputs, 1, 1]);
  const batch = dimAt(image.shape, 0);
  const batchSize = shapeOf(image, 0, 1);

  const tiles = transformedTiles(image);
  const size = shapeOf(tiles, 2, 4);
  const grouped = reshapeTo(tiles, concat([int64s([inputs]), batchSize, int64s([points, -1])], 0), [
    inputs,
    batch,
    points,
    'tiles',
  ]);
  // This order of axes is the one transposition that onnxruntime does as part of the product.
  const product = matMul(
    stored(weight, [1, points, outputs, inputs]),
    transpose(grouped, [1, 2, 0, 3]),
  );

  const back = floats(kronecker(RESULT_TRANSFORM), [TILE ** 2, points]);
  const result = matMul(back, reshape(product, [0, points, -1]));
  const squares = reshapeTo(result, concat([batchSize, int64s([TILE ** 2 * outputs]), size], 0), [
    batch,
    TILE ** 2 * outputs,
    'tile_rows',
    'tile_columns',
  ]);
  return add(cropLike(depthToSpace(squares, TILE), image), cast(bias, 'FLOAT'));
}

/** `[N, C, h, w]` → `[C·N, 36, h/4, w/4]`: every plane's windows, transformed. */
function transformedTiles(image: Var): Var {
  const filters = floats(kronecker(IMAGE_TRANSFORM), [WINDOW ** 2, 1, WINDOW, WINDOW]);
  const [height, width] = [dimAt(image.shape, 2), dimAt(image.shape, 3)];
  const target = concat([int64s([-1, 1]), shapeOf(image, 2, 4)], 0);
  const planes = reshapeTo(transpose(image, [1, 0, 2, 3]), target, ['planes', 1, height, width]);
  // Zeros for the border of one pixel, and below and to the right for a last tile that is cut.
  const padding = { top: 1, left: 1, bottom: TILE, right: TILE };
  return conv(planes, filters, undefined, { stride: TILE, padding });
}

/**
 * `[O, I, 3, 3]` → `[36, O, I]`. The nine taps are written out: there are hundreds of millions of
 * values to compute, and a loop over the taps takes five times as long.
 */
function transformKernels(weights: Float32Array, planes: number): Float32Array {
  const points = WINDOW ** 2;
  const taps = KERNEL ** 2;
  const transform = kronecker(KERNEL_TRANSFORM);
  const result = new Float32Array(points * planes);
  for (let point = 0; point < points; point += 1) {
    const row = transform.slice(point * taps, (point + 1) * taps);
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = row;
    const target = result.subarray(point * planes, (point + 1) * planes);
    for (let plane = 0, at = 0; plane < planes; plane += 1, at += taps) {
      target[plane] =
        0 +
        a * (weights[at] as number) +
        b * (weights[at + 1] as number) +
        c * (weights[at + 2] as number) +
        d * (weights[at + 3] as number) +
        e * (weights[at + 4] as number) +
        f * (weights[at + 5] as number) +
        g * (weights[at + 6] as number) +
        h * (weights[at + 7] as number) +
        i * (weights[at + 8] as number);
    }
  }
  return result;
}

/** A transform of rows and columns at once: the matrix times itself by Kronecker, row by row. */
function kronecker(matrix: readonly (readonly number[])[]): number[] {
  return matrix.flatMap((a) =>
    matrix.flatMap((b) => a.flatMap((left) => b.map((right) => left * right))),
  );
}
