import { assert } from '#shared/core/errors.ts';
import { int64s } from '#shared/engine/onnx/constant.ts';
import type { Graph } from '#shared/engine/onnx/graph.ts';
import { concat, shapeOf, sliceRows } from '#shared/engine/onnx/ops/arrange.ts';
import { div, mul } from '#shared/engine/onnx/ops/elementwise.ts';
import { reduceSum } from '#shared/engine/onnx/ops/network.ts';
import { dimAt, type Shape, UNKNOWN } from '#shared/engine/onnx/shape.ts';
import { makeOp, type Node, type Var } from '#shared/engine/onnx/value.ts';
import { TILE } from './winograd-axis.ts';

/**
 * A large image `[N, C, h, w]` is kept as bands of rows, layer after layer: a layer's working memory
 * then has the size of a band, and a band is freed after its last use. Such an image is a value like
 * any other, the bands concatenated; but since a graph contains only what its outputs depend on, they
 * are never joined unless a layer needs the whole image.
 */

/** The axis of an image's rows, and how many axes it has. */
const ROWS = 2;
const RANK = 4;
/** Images at least this many times larger than the latents are in bands. */
const MIN_SCALE = 4;
/** Bands of an image of that scale; larger ones have more. A session with many nodes loads slowly. */
const BANDS = 8;
/** Rows that latents need if there are bands, so that half of each band is a row of tiles. */
export const MIN_BANDED_LATENTS = (2 * BANDS * TILE) / MIN_SCALE;

const START = int64s([0]);
const END = int64s([Number.MAX_SAFE_INTEGER]);

/** Whether an image this many times larger than the latents should be in bands. */
export const suitsBands = (scale: number): boolean => scale >= MIN_SCALE;

/** A scale for images of any height: one without bands, if larger ones would have them. */
export const bandless = (scale: number | undefined): number | undefined =>
  scale === undefined ? undefined : Math.min(scale, MIN_SCALE / 2);

/** The bands of an image from top to bottom; the image itself if it has none. */
export function bandsOf(image: Var): readonly Var[] {
  const { origin } = image;
  if (origin.kind !== 'node' || !joinsRows(origin.node)) return [image];
  return origin.node.inputs as readonly Var[];
}

const joinsRows = ({ opType, attributes, inputs }: Node): boolean =>
  opType === 'Concat' && attributes['axis'] === BigInt(ROWS) && inputs[0]?.shape.length === RANK;

/** Whether any image of a graph is in bands. */
export const hasBands = ({ nodes }: Graph): boolean => nodes.some(({ node }) => joinsRows(node));

/** Some of an image's rows, with its batch size, channels and width. */
export function someRows(image: Var): Var {
  const [first] = bandsOf(image);
  assert(first !== undefined, 'an image has rows');
  return first;
}

export const isBanded = (image: Var): boolean => bandsOf(image).length > 1;

/** The image made of these bands, in a shape; a single band is the image. */
export function joined(bands: readonly Var[], shape: Shape): Var {
  const [first, ...others] = bands;
  if (first !== undefined && others.length === 0) return { ...first, shape };
  const parts = bands.map((band) => ({ ...band, shape: shape.with(ROWS, UNKNOWN) }));
  const type = first?.type ?? 'FLOAT';
  return makeOp('Concat', parts, { type, shape }, { axis: BigInt(ROWS) });
}

/** An image in bands that are multiples of tiles. */
export function inBands(image: Var): Var {
  if (isBanded(image)) return image;
  const height = shapeOf(image, ROWS, ROWS + 1);
  const edges = Array.from({ length: BANDS + 1 }, (_, index) =>
    mul(div(mul(height, int64s([index])), int64s([BANDS * TILE])), int64s([TILE])),
  );
  const bands = edges.slice(1).map((end, index) => sliceRows(image, edges[index] as Var, end));
  return joined(bands, image.shape);
}

/** An image whose bands are cut in two, since what follows it is larger. */
export function halved(image: Var): Var {
  const halves = bandsOf(image).flatMap((band) => {
    const middle = mul(div(shapeOf(band, ROWS, ROWS + 1), int64s([2 * TILE])), int64s([TILE]));
    return [sliceRows(band, START, middle), sliceRows(band, middle, END)];
  });
  return joined(halves, image.shape);
}

/** A pixelwise layer over some images, applied to each of their bands separately. */
export function perBand(layer: (...rows: readonly Var[]) => Var, ...images: readonly Var[]): Var {
  const bands = images.map(bandsOf);
  const [first = []] = bands;
  if (bands.some(({ length }) => length !== first.length)) return layer(...images);
  const results = first.map((_, index) => layer(...bands.map((parts) => parts[index] as Var)));
  const [image, result] = [images[0], results[0]];
  assert(image !== undefined && result !== undefined, 'a layer has an image');
  return joined(results, result.shape.with(ROWS, dimAt(image.shape, ROWS)));
}

/** A band with the row above it and the row below it. */
export interface Band {
  /** `[N, C, h, w]`, with the rows of its neighbours, if it has any. */
  readonly rows: Var;
  /** Whether it is the image's first band, which has zeros above it. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** The bands of an image as a 3×3 convolution sees them. */
export function withNeighbours(image: Var): readonly Band[] {
  const bands = bandsOf(image);
  return bands.map((band, index) => {
    const above = bands[index - 1];
    const below = bands[index + 1];
    const rows = [
      ...(above === undefined ? [] : [sliceRows(above, int64s([-1]), END, 1)]),
      band,
      ...(below === undefined ? [] : [sliceRows(below, START, int64s([1]), 1)]),
    ];
    return { rows: concat(rows, ROWS), isFirst: above === undefined, isLast: below === undefined };
  });
}

/** The number of an image's rows, int64 `[1]`, without joining its bands. */
export function heightOf(image: Var): Var {
  const heights = bandsOf(image).map((band) => shapeOf(band, ROWS, ROWS + 1));
  return reduceSum(concat(heights, 0), 0);
}
