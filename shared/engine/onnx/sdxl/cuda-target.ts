import {
  concat,
  doubleNearest,
  reshape,
  reshapeLike,
  resizeNearestLike,
  transpose,
  unsqueeze,
} from '#shared/engine/onnx/ops/arrange.ts';
import {
  BIAS_SPLIT_GELU_WIDTHS,
  biasSplitGelu,
  fitsGroupNormKernel,
  groupNormNhwc,
  nhwcConv,
  plainGroupNormNhwc,
} from '#shared/engine/onnx/ops/cuda.ts';
import { add, cast, mul } from '#shared/engine/onnx/ops/elementwise.ts';
import { linearProduct } from '#shared/engine/onnx/ops/microsoft.ts';
import { stored } from '#shared/engine/onnx/stored-value.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { activate } from './activation.ts';
import type { Scope } from './scope.ts';
import type { ImageConv, NormOptions, Target } from './target.ts';
import { tokenLayers } from './token-layers.ts';

/** The axis of an image's rows. */
const ROWS = 1;
const AFTER = { top: 0, left: 0, bottom: 1, right: 1 };

const tokens = tokenLayers('FLOAT16');
const { parameter } = tokens;

/**
 * float16 on onnxruntime's fused CUDA operators. Images are `[N, h, w, C]`: the CUDA provider
 * transposes around every convolution of `[N, C, h, w]` and can't be told to prefer this layout.
 */
export const cudaTarget: Target = {
  ...tokens,
  toImage: (x) => transpose(cast(x, 'FLOAT16'), [0, 2, 3, 1]),
  fromImage: (image) => transpose(image, [0, 3, 1, 2]),
  conv: imageConv,
  upsample: (image, scope, { channels, like, bias }) =>
    imageConv(
      like === undefined ? doubleNearest(image, ROWS) : resizeNearestLike(image, like, ROWS),
      scope,
      { inputs: channels, outputs: channels, kernel: 3, bias },
    ),
  groupNorm,
  normConv: (image, norm, scope, shape) =>
    imageConv(groupNorm(image, norm.scope, shape.inputs, norm.options), scope, shape),
  addVector: (image, vector) => add(image, unsqueeze(vector, [1, 2])),
  mulVector: (image, vector) => mul(image, unsqueeze(vector, [1, 2])),
  sum: add,
  concatChannels: (a, b) => concat([a, b], 3),
  toTokens: (image, channels) => reshape(image, [0, -1, channels]),
  fromTokens: (tokens, like) => reshapeLike(tokens, like),
  geglu,
};

function imageConv(image: Var, scope: Scope, shape: ImageConv): Var {
  const { inputs, outputs, kernel, stride = 1, padding = (kernel - 1) / 2 } = shape;
  return nhwcConv(
    image,
    channelsLast(scope, inputs, outputs, kernel),
    shape.bias === false ? undefined : parameter(scope.tensor('bias', [outputs])),
    { stride, padding: padding === 'after' ? AFTER : Math.floor(padding) },
  );
}

/** Convolution weights as `[O, k, k, I]`; those of a 1×1 kernel lie that way already. */
function channelsLast(scope: Scope, inputs: number, outputs: number, kernel: number): Var {
  const shape = [outputs, kernel, kernel, inputs];
  if (kernel === 1) return parameter(scope.tensor('weight', [outputs, inputs, 1, 1], shape));
  const source = scope.ask('weight', [outputs, inputs, kernel, kernel]);
  const taps = kernel ** 2;
  const filter = inputs * taps;
  const compute = (values: Float32Array) => {
    const result = new Float32Array(values.length);
    let next = 0;
    for (let start = 0; start < values.length; start += filter) {
      for (let tap = 0; tap < taps; tap += 1) {
        for (let i = start + tap; i < start + filter; i += taps, next += 1) {
          result[next] = values[i] ?? 0;
        }
      }
    }
    return result;
  };
  return parameter(scope.derived('weight.channels_last', shape, source, compute, 'FLOAT16'));
}

function groupNorm(image: Var, scope: Scope, channels: number, options: NormOptions): Var {
  const { groups, epsilon, activation, plus } = options;
  const silu = activation === 'silu' || activation === 'swish';
  const { weight, bias } = scope.norm(channels);
  const scale = cast(stored(weight), 'FLOAT');
  const shift = cast(stored(bias), 'FLOAT');
  const norm = fitsGroupNormKernel(channels / groups) ? groupNormNhwc : plainGroupNormNhwc;
  const result = norm(image, scale, shift, { groups, epsilon, silu }, plus);
  return activation === undefined || silu ? result : activate(result, activation);
}

function geglu(x: Var, scope: Scope, inputs: number, outputs: number): Var {
  if (!BIAS_SPLIT_GELU_WIDTHS.includes(2 * outputs)) return tokens.geglu(x, scope, inputs, outputs);
  const { weight, bias } = scope.linear(inputs, 2 * outputs);
  return biasSplitGelu(linearProduct(x, parameter(weight)), parameter(bias));
}
