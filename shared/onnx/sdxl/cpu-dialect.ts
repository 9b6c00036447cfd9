import { floats } from '#shared/onnx/constant.ts';
import {
  concat,
  doubleNearest,
  reshape,
  reshapeLike,
  resizeNearestLike,
  transpose,
  unsqueeze,
} from '#shared/onnx/ops/arrange.ts';
import { add, mul } from '#shared/onnx/ops/elementwise.ts';
import { conv, instanceNorm } from '#shared/onnx/ops/network.ts';
import type { Var } from '#shared/onnx/value.ts';
import { activate } from './activation.ts';
import type {
  Dialect,
  ImageConv,
  NormLayer,
  NormOptions,
  Unbiased,
  UpsampleOptions,
} from './dialect.ts';
import type { Affine, Scope } from './scope.ts';
import { tokenLayers } from './token-layers.ts';
import { bandless, suitsWinograd, winogradConv, winogradDouble } from './winograd.ts';

const tokens = tokenLayers('FLOAT');
const { parameter, layerNorm, residual } = tokens;

/**
 * float32 on operators that onnxruntime's CPU provider has kernels for. Images are `[N, C, h, w]`.
 * Weights may be stored as float16; they are then cast when the session is made.
 */
export const cpuDialect: Dialect = {
  ...tokens,
  residualNorm,
  toImage: (x) => x,
  fromImage: (x) => x,
  conv: imageConv,
  upsample,
  groupNorm: (image, scope, channels, options) =>
    finished(normalize(image, scope, channels, options)),
  normConv,
  addVector: (image, vector) => add(image, unsqueeze(vector, [2, 3])),
  mulVector: (image, vector) => mul(image, unsqueeze(vector, [2, 3])),
  concatChannels: (a, b) => concat([a, b], 1),
  toTokens: (image, channels) => transpose(reshape(image, [0, channels, -1]), [0, 2, 1]),
  fromTokens: (tokens, like) => reshapeLike(transpose(tokens, [0, 2, 1]), like),
};

/** The same, whose convolutions go by another scale than the caller's. */
export const cpuDialectAt = (
  scaleOf: (scale: number | undefined) => number | undefined,
): Dialect => ({
  ...cpuDialect,
  conv: (image, scope, shape) => imageConv(image, scope, { ...shape, scale: scaleOf(shape.scale) }),
  normConv: (image, norm, scope, shape) =>
    normConv(image, norm, scope, { ...shape, scale: scaleOf(shape.scale) }),
  upsample: (image, scope, options) =>
    upsample(image, scope, { ...options, scale: scaleOf(options.scale) }),
});

/** The same for images of any size; `cpuDialect` asks for latents of `MIN_BANDED_LATENTS` rows. */
export const cpuDialectOfAnySize = cpuDialectAt(bandless);

/** By three operators: the one that does all takes four times as long on this device. */
function residualNorm(branch: Unbiased, skip: Var, norm: Affine, epsilon: number) {
  const sum = residual(branch, skip);
  return { normalized: layerNorm(sum, norm, epsilon), sum };
}

function imageConv(image: Var, scope: Scope, shape: ImageConv): Var {
  if (suitsWinograd(shape)) return winogradConv(image, scope, shape);
  const { inputs, outputs, kernel, stride = 1, padding = (kernel - 1) / 2 } = shape;
  const { weight, bias } = scope.conv(inputs, outputs, kernel);
  return conv(image, parameter(weight), parameter(bias), {
    stride,
    padding: padding === 'after' ? AFTER : Math.floor(padding),
  });
}

const AFTER = { top: 0, left: 0, bottom: 1, right: 1 };

function upsample(image: Var, scope: Scope, { channels, like, scale }: UpsampleOptions): Var {
  const shape = { inputs: channels, outputs: channels, kernel: 3 };
  if (like !== undefined) {
    return imageConv(resizeNearestLike(image, like), scope, { ...shape, scale });
  }
  if (scale !== undefined && suitsWinograd({ ...shape, scale })) {
    return winogradDouble(image, scope, channels, scale / 2);
  }
  return imageConv(doubleNearest(image), scope, shape);
}

function normConv(image: Var, norm: NormLayer, scope: Scope, shape: ImageConv): Var {
  const normalized = normalize(image, norm.scope, shape.inputs, norm.options);
  if (!suitsWinograd(shape)) return imageConv(finished(normalized), scope, shape);
  return winogradConv(normalized.plain, scope, shape, normalized.finish);
}

/** A normalised image before its channels' factors and activation, and how any of its rows get them. */
interface Normalized {
  readonly plain: Var;
  readonly finish: (rows: Var) => Var;
}

const finished = ({ plain, finish }: Normalized): Var => finish(plain);

/** Group normalisation as instance normalisation of `[N, G, …]`: the fastest way on this device. */
function normalize(image: Var, scope: Scope, channels: number, options: NormOptions): Normalized {
  const { groups, epsilon, activation, plus } = options;
  const sum = plus === undefined ? image : add(image, unsqueeze(plus, [2, 3]));
  const { weight, bias }: Affine = scope.norm(channels);
  const ones = floats(Array.from({ length: groups }, () => 1));
  const zeros = floats(Array.from({ length: groups }, () => 0));
  const grouped = reshape(sum, [0, groups, -1]);
  const perChannel = [channels, 1, 1];
  return {
    plain: reshapeLike(instanceNorm(grouped, ones, zeros, epsilon), sum),
    finish(rows) {
      const result = add(mul(rows, parameter(weight, perChannel)), parameter(bias, perChannel));
      return activation === undefined ? result : activate(result, activation);
    },
  };
}
