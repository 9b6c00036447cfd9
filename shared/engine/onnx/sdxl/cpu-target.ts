import { assert } from '#shared/core/errors.ts';
import {
  concat,
  doubleNearest,
  reshape,
  reshapeLike,
  resizeNearestLike,
  transpose,
  unsqueeze,
} from '#shared/engine/onnx/ops/arrange.ts';
import { add, mul } from '#shared/engine/onnx/ops/elementwise.ts';
import { conv, type Sides } from '#shared/engine/onnx/ops/network.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import {
  bandless,
  halved,
  inBands,
  isBanded,
  joined,
  perBand,
  suitsBands,
  withNeighbours,
} from './bands.ts';
import { finished, normalize } from './group-norm.ts';
import type { Affine, Scope } from './scope.ts';
import type { ImageConv, NormLayer, Target, Unbiased, UpsampleOptions } from './target.ts';
import { tokenLayers } from './token-layers.ts';
import { suitsWinograd, winogradConv, winogradDouble } from './winograd.ts';

const tokens = tokenLayers('FLOAT');
const { parameter, layerNorm, residual } = tokens;

/**
 * float32 on operators with a kernel in onnxruntime's CPU provider. Images are `[N, C, h, w]`. Weights
 * stored as float16 are cast when the session is created.
 */
export const cpuTarget: Target = {
  ...tokens,
  residualNorm,
  toImage: (x) => x,
  fromImage: (x) => x,
  conv: imageConv,
  upsample,
  groupNorm: (image, scope, channels, options) =>
    finished(normalize(image, scope, channels, options)),
  normConv,
  sum: (a, b) => perBand(add, a, b),
  addVector: (image, vector) => add(image, unsqueeze(vector, [2, 3])),
  mulVector: (image, vector) => mul(image, unsqueeze(vector, [2, 3])),
  concatChannels: (a, b) => concat([a, b], 1),
  toTokens: (image, channels) => transpose(reshape(image, [0, channels, -1]), [0, 2, 1]),
  fromTokens: (tokens, like) => reshapeLike(transpose(tokens, [0, 2, 1]), like),
};

/** The same with convolutions at another scale than the caller's. */
const cpuTargetAt = (scaleOf: (scale: number | undefined) => number | undefined): Target => ({
  ...cpuTarget,
  conv: (image, scope, shape) => imageConv(image, scope, { ...shape, scale: scaleOf(shape.scale) }),
  normConv: (image, norm, scope, shape) =>
    normConv(image, norm, scope, { ...shape, scale: scaleOf(shape.scale) }),
  upsample: (image, scope, options) =>
    upsample(image, scope, { ...options, scale: scaleOf(options.scale) }),
});

/** The same with plain convolutions, for a graph that runs once and is not optimised. */
export const plainTarget = cpuTargetAt(() => undefined);

/** The same for images of any size; `cpuTarget` needs latents of `MIN_BANDED_LATENTS` rows. */
export const cpuTargetOfAnySize = cpuTargetAt(bandless);

/** Three operators: the fused one takes four times as long on this device. */
function residualNorm(branch: Unbiased, skip: Var, norm: Affine, epsilon: number) {
  const sum = residual(branch, skip);
  return { normalized: layerNorm(sum, norm, epsilon), sum };
}

function imageConv(image: Var, scope: Scope, shape: ImageConv): Var {
  if (suitsWinograd(shape)) return winogradConv(image, scope, shape);
  const { inputs, outputs, kernel, stride = 1, padding = (kernel - 1) / 2 } = shape;
  const weight = parameter(scope.tensor('weight', [outputs, inputs, kernel, kernel]));
  const bias = shape.bias === false ? undefined : parameter(scope.tensor('bias', [outputs]));
  const convolve = (rows: Var, sides: number | Sides): Var =>
    conv(rows, weight, bias, { stride, padding: sides });
  if (!isBanded(image)) return convolve(image, padding === 'after' ? AFTER : Math.floor(padding));
  if (kernel === 1) return perBand((rows) => convolve(rows, 0), image);
  assert(kernel === 3 && stride === 1 && padding === 1, 'bands are convolved 3×3');
  const bands = withNeighbours(image).map(({ rows, isFirst, isLast }) =>
    convolve(rows, { top: isFirst ? 1 : 0, bottom: isLast ? 1 : 0, left: 1, right: 1 }),
  );
  return joined(bands, image.shape.with(1, outputs));
}

const AFTER = { top: 0, left: 0, bottom: 1, right: 1 };

function upsample(image: Var, scope: Scope, options: UpsampleOptions): Var {
  const { channels, like, scale, bias } = options;
  const shape = { inputs: channels, outputs: channels, kernel: 3, bias };
  if (like !== undefined) {
    return imageConv(resizeNearestLike(image, like), scope, { ...shape, scale });
  }
  if (scale !== undefined && suitsWinograd({ ...shape, scale })) {
    const small = isBanded(image) ? halved(image) : image;
    const doubled = winogradDouble(small, scope, channels, scale / 2);
    return suitsBands(scale) ? inBands(doubled) : doubled;
  }
  return imageConv(doubleNearest(image), scope, shape);
}

function normConv(image: Var, norm: NormLayer, scope: Scope, shape: ImageConv): Var {
  const normalized = normalize(image, norm.scope, shape.inputs, norm.options);
  if (!suitsWinograd(shape)) return imageConv(finished(normalized), scope, shape);
  return winogradConv(normalized.plain, scope, shape, normalized.finish);
}
