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
import type { Dialect, ImageConv, NormOptions } from './dialect.ts';
import type { Affine, Scope } from './scope.ts';
import { tokenLayers } from './token-layers.ts';
import { doubleByPhases } from './upsample-phases.ts';
import { suitsWinograd, winogradConv } from './winograd.ts';

const tokens = tokenLayers('FLOAT');
const { parameter } = tokens;

/**
 * float32 on operators that onnxruntime's CPU provider has kernels for. Images are `[N, C, h, w]`.
 * Weights may be stored as float16; they are then cast when the session is made.
 */
export const cpuDialect: Dialect = {
  ...tokens,
  toImage: (x) => x,
  fromImage: (x) => x,
  conv: imageConv,
  upsample,
  groupNorm,
  addVector: (image, vector) => add(image, unsqueeze(vector, [2, 3])),
  mulVector: (image, vector) => mul(image, unsqueeze(vector, [2, 3])),
  concatChannels: (a, b) => concat([a, b], 1),
  toTokens: (image, channels) => transpose(reshape(image, [0, channels, -1]), [0, 2, 1]),
  fromTokens: (tokens, like) => reshapeLike(transpose(tokens, [0, 2, 1]), like),
};

function imageConv(image: Var, scope: Scope, shape: ImageConv): Var {
  // Its weights take four times the space, as float32: too much for a package that is to be small.
  if (scope.type === 'FLOAT' && suitsWinograd(shape)) return winogradConv(image, scope, shape);
  const { inputs, outputs, kernel, stride = 1, padding = (kernel - 1) / 2 } = shape;
  const { weight, bias } = scope.conv(inputs, outputs, kernel);
  return conv(image, parameter(weight), parameter(bias), {
    stride,
    padding: padding === 'after' ? AFTER : Math.floor(padding),
  });
}

const AFTER = { top: 0, left: 0, bottom: 1, right: 1 };

function upsample(image: Var, scope: Scope, channels: number, like?: Var): Var {
  if (like === undefined && channels >= MIN_PHASE_CHANNELS) {
    return doubleByPhases(image, scope, channels);
  }
  const larger = like === undefined ? doubleNearest(image) : resizeNearestLike(image, like);
  return imageConv(larger, scope, { inputs: channels, outputs: channels, kernel: 3 });
}

/** Narrower images gain nothing from fewer multiplications: moving the parts costs as much. */
const MIN_PHASE_CHANNELS = 128;

/** Group normalisation as instance normalisation of `[N, G, …]`: the fastest way on this device. */
function groupNorm(image: Var, scope: Scope, channels: number, options: NormOptions): Var {
  const { groups, epsilon, activation, plus } = options;
  const sum = plus === undefined ? image : add(image, unsqueeze(plus, [2, 3]));
  const { weight, bias }: Affine = scope.norm(channels);
  const ones = floats(Array.from({ length: groups }, () => 1));
  const zeros = floats(Array.from({ length: groups }, () => 0));
  const grouped = reshape(sum, [0, groups, -1]);
  const normal = reshapeLike(instanceNorm(grouped, ones, zeros, epsilon), sum);
  const perChannel = [channels, 1, 1];
  const result = add(mul(normal, parameter(weight, perChannel)), parameter(bias, perChannel));
  return activation === undefined ? result : activate(result, activation);
}
