import { floats, int64s } from '#shared/engine/onnx/constant.ts';
import {
  concat,
  reshape,
  reshapeLike,
  shapeOf,
  unsqueeze,
} from '#shared/engine/onnx/ops/arrange.ts';
import { add, cast, div, mul, sqrt, sub } from '#shared/engine/onnx/ops/elementwise.ts';
import { instanceNorm, reduceSum } from '#shared/engine/onnx/ops/network.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { activate } from './activation.ts';
import { bandsOf, heightOf, isBanded, perBand, someRows } from './bands.ts';
import type { Affine, Scope } from './scope.ts';
import type { NormOptions } from './target.ts';
import { tokenLayers } from './token-layers.ts';

const { parameter } = tokenLayers('FLOAT');

/** A partly normalised image, and what remains to be done to any of its rows. */
export interface Normalized {
  readonly plain: Var;
  readonly finish: (rows: Var) => Var;
}

/** The image with the rest of its normalisation done. */
export const finished = ({ plain, finish }: Normalized): Var => perBand(finish, plain);

/** Group normalisation of `[N, C, h, w]` for onnxruntime's CPU provider. */
export function normalize(
  image: Var,
  scope: Scope,
  channels: number,
  options: NormOptions,
): Normalized {
  const { plus, activation } = options;
  const sum = plus === undefined ? image : add(image, unsqueeze(plus, [2, 3]));
  const way = isBanded(sum) ? byStatistics : byInstances;
  const { plain, factors, summands } = way(sum, scope.norm(channels), channels, options);
  return {
    plain,
    finish(rows) {
      const result = add(mul(rows, factors), summands);
      return activation === undefined ? result : activate(result, activation);
    },
  };
}

/** An image, and the factors and summands per channel that complete its normalisation. */
interface Affinely {
  readonly plain: Var;
  /** `[C, 1, 1]` or `[N, C, 1, 1]` */
  readonly factors: Var;
  readonly summands: Var;
}

/** As instance normalisation of `[N, G, …]`: the fastest way for an image without bands. */
function byInstances(
  image: Var,
  { weight, bias }: Affine,
  channels: number,
  { groups, epsilon }: NormOptions,
): Affinely {
  const ones = floats(Array.from({ length: groups }, () => 1));
  const zeros = floats(Array.from({ length: groups }, () => 0));
  const grouped = reshape(image, [0, groups, -1]);
  const perChannel = [channels, 1, 1];
  return {
    plain: reshapeLike(instanceNorm(grouped, ones, zeros, epsilon), image),
    factors: parameter(weight, perChannel),
    summands: parameter(bias, perChannel),
  };
}

/** From sums over the bands, which needs no second image of that size. */
function byStatistics(
  image: Var,
  { weight, bias }: Affine,
  channels: number,
  { groups, epsilon }: NormOptions,
): Affinely {
  const bands = bandsOf(image).map((band) => reshape(band, [0, groups, -1]));
  const count = cast(valuesPerGroup(image, channels / groups), 'FLOAT');
  const mean = div(total(bands), count);
  // Differences first: squares of large, nearly equal values would lose all digits.
  const differences = bands.map((band) => sub(band, mean));
  const variance = div(total(differences.map((values) => mul(values, values))), count);
  const perGroup = [groups, channels / groups];
  const factor = div(parameter(weight, perGroup), sqrt(add(variance, floats(epsilon))));
  const summand = sub(parameter(bias, perGroup), mul(mean, factor));
  const perChannel = [0, channels, 1, 1];
  return {
    plain: image,
    factors: reshape(factor, perChannel),
    summands: reshape(summand, perChannel),
  };
}

/** The sums of each group over all bands, `[N, G, 1]`, of bands as `[N, G, …]`. */
function total(bands: readonly Var[]): Var {
  const sums = bands.map((band) => reduceSum(band, 2));
  return reduceSum(concat(sums, 2), 2);
}

/** int64 `[1]` */
function valuesPerGroup(image: Var, channels: number): Var {
  const width = shapeOf(someRows(image), 3, 4);
  return mul(mul(heightOf(image), width), int64s([channels]));
}
