import { assert } from '#shared/core/errors.ts';
import { floats } from '#shared/engine/onnx/constant.ts';
import { dimAt, sizeAt } from '#shared/engine/onnx/shape.ts';
import { makeNode, type Node, type OutputType, type Var } from '#shared/engine/onnx/value.ts';
import { reshape, reshapeLike, split, transpose, unsqueeze } from './arrange.ts';
import { add, cast, gelu, mul } from './elementwise.ts';
import { MICROSOFT, quickGelu } from './microsoft.ts';
import { type ConvOptions, conv, convWindow, instanceNorm } from './network.ts';

/**
 * Operators that onnxruntime has for CUDA alone. Each has a body of other operators, so that graphs
 * made of them can be run and compared on a CPU. Images are `[N, h, w, C]`.
 */

const TO_NHWC = [0, 2, 3, 1];
const TO_NCHW = [0, 3, 1, 2];

function fusedOp(
  opType: string,
  inputs: readonly Var[],
  { type, shape }: OutputType,
  attributes: Node['attributes'],
  compute: (values: readonly Var[]) => Var,
): Var {
  const body: Node['body'] = (values) => [compute(values.filter((value) => value !== undefined))];
  const node = { domain: MICROSOFT, opType, inputs, attributes, body };
  const [result] = makeNode(node, [{ type, shape }]);
  assert(result !== undefined, `${opType} has an output`);
  return result;
}

/** 2-D convolution of `[N, h, w, C]` with weights `[O, k, k, C]` and bias `[O]`, if any. */
export function nhwcConv(
  image: Var,
  weight: Var,
  bias: Var | undefined,
  options: ConvOptions = {},
): Var {
  assert(
    dimAt(image.shape, 3) === dimAt(weight.shape, 3),
    `NhwcConv of [${image.shape.join(', ')}] with [${weight.shape.join(', ')}]`,
  );
  const window = convWindow([1, 2], image, weight, options);
  const shape = [dimAt(image.shape, 0), ...window.size, dimAt(weight.shape, 0)];
  return fusedOp(
    'NhwcConv',
    bias === undefined ? [image, weight] : [image, weight, bias],
    { type: image.type, shape },
    window.attributes,
    ([x, w, b]) => {
      assert(x && w, 'NhwcConv has an image and a weight');
      const planes = conv(transpose(x, TO_NCHW), transpose(w, TO_NCHW), b, options);
      return transpose(planes, TO_NHWC);
    },
  );
}

export interface GroupNormOptions {
  readonly groups: number;
  readonly epsilon: number;
  readonly silu: boolean;
}

/**
 * Whether onnxruntime's kernel of {@link groupNormNhwc} takes this many channels per group: it reads
 * two at a time, and a block of threads holds a whole group.
 */
export const fitsGroupNormKernel = (channelsPerGroup: number): boolean =>
  channelsPerGroup % 2 === 0 && channelsPerGroup <= 512;

/**
 * Group normalisation of `[N, h, w, C]`, float32 scale and bias `[C]`, and SiLU if wanted.
 *
 * @param vector `[N, C]`, added to every pixel before
 */
export function groupNormNhwc(
  image: Var,
  scale: Var,
  bias: Var,
  options: GroupNormOptions,
  vector?: Var,
): Var {
  const { groups, epsilon, silu } = options;
  return fusedOp(
    vector === undefined ? 'GroupNorm' : 'SkipGroupNorm',
    vector === undefined ? [image, scale, bias] : [image, scale, bias, vector],
    image,
    { groups: BigInt(groups), epsilon, activation: silu ? 1n : 0n, channels_last: 1n },
    ([x, gamma, beta, skip]) => {
      assert(x && gamma && beta, 'GroupNorm has three inputs');
      return plainGroupNormNhwc(x, gamma, beta, options, skip);
    },
  );
}

/** {@link groupNormNhwc} in plain operators, for sizes that its kernel does not take. */
export function plainGroupNormNhwc(
  image: Var,
  scale: Var,
  bias: Var,
  { groups, epsilon, silu }: GroupNormOptions,
  vector?: Var,
): Var {
  const sum = vector === undefined ? image : add(image, unsqueeze(vector, [1, 2]));
  const planes = transpose(cast(sum, 'FLOAT'), TO_NCHW);
  const ones = floats(Array.from({ length: groups }, () => 1));
  const zeros = floats(Array.from({ length: groups }, () => 0));
  const normal = instanceNorm(reshape(planes, [0, groups, -1]), ones, zeros, epsilon);
  const image32 = transpose(reshapeLike(normal, planes), TO_NHWC);
  const result = add(mul(image32, scale), bias);
  return cast(silu ? quickGelu(result, 1) : result, image.type);
}

/** Widths that onnxruntime's kernel for {@link biasSplitGelu} supports. */
export const BIAS_SPLIT_GELU_WIDTHS: readonly number[] = [2560, 5120, 10240];

/** `[N, S, D]` plus bias `[D]`, the left half times the GELU of the right one. */
export function biasSplitGelu(x: Var, bias: Var): Var {
  const shape = x.shape.with(-1, sizeAt(x.shape, -1) / 2);
  return fusedOp('BiasSplitGelu', [x, bias], { type: x.type, shape }, {}, ([value, b]) => {
    assert(value && b, 'BiasSplitGelu has two inputs');
    const [left, right] = split(add(value, b), 2, 2);
    assert(left && right, 'two halves');
    return mul(left, gelu(right));
  });
}
