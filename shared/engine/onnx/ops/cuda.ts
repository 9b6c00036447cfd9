import { assert } from '#shared/core/errors.ts';
import { floats } from '#shared/engine/onnx/constant.ts';
import { dimAt, sizeAt, windowed } from '#shared/engine/onnx/shape.ts';
import { makeNode, type Node, type OutputType, type Var } from '#shared/engine/onnx/value.ts';
import { reshape, reshapeLike, split, transpose, unsqueeze } from './arrange.ts';
import { add, cast, gelu, mul } from './elementwise.ts';
import { MICROSOFT, quickGelu } from './microsoft.ts';
import { type ConvOptions, conv, instanceNorm, sidesOf } from './network.ts';

/**
 * Operators that onnxruntime has for CUDA alone. Each has a body in other operators, so that graphs
 * made of them can be run, and compared, on a CPU. Images are `[N, h, w, C]`.
 */

const TO_NHWC = [0, 2, 3, 1];
const TO_NCHW = [0, 3, 1, 2];

type Body = NonNullable<Node['body']>;

function fusedOp(
  opType: string,
  inputs: readonly Var[],
  output: OutputType,
  attributes: Node['attributes'],
  body: (...values: Var[]) => Var,
): Var {
  const run: Body = (values) => [body(...values.filter((value) => value !== undefined))];
  const node = { domain: MICROSOFT, opType, inputs, attributes, body: run };
  const [result] = makeNode(node, [{ type: output.type, shape: output.shape }]);
  assert(result !== undefined, `${opType} has an output`);
  return result;
}

/** 2-D convolution of `[N, h, w, C]` with weights `[O, k, k, C]` and bias `[O]`. */
export function nhwcConv(image: Var, weight: Var, bias: Var, options: ConvOptions = {}): Var {
  const { stride = 1, padding = 0 } = options;
  assert(
    dimAt(image.shape, 3) === dimAt(weight.shape, 3),
    `NhwcConv of [${image.shape.join(', ')}] with [${weight.shape.join(', ')}]`,
  );
  const { top, left, bottom, right } = sidesOf(padding);
  const kernel = [sizeAt(weight.shape, 1), sizeAt(weight.shape, 2)] as const;
  const shape = [
    dimAt(image.shape, 0),
    windowed(dimAt(image.shape, 1), kernel[0], stride, top + bottom),
    windowed(dimAt(image.shape, 2), kernel[1], stride, left + right),
    dimAt(weight.shape, 0),
  ];
  return fusedOp(
    'NhwcConv',
    [image, weight, bias],
    { type: image.type, shape },
    {
      kernel_shape: kernel.map(BigInt),
      pads: [top, left, bottom, right].map(BigInt),
      strides: [BigInt(stride), BigInt(stride)],
    },
    (x, w, b) =>
      transpose(
        conv(transpose(x as Var, TO_NCHW), transpose(w as Var, TO_NCHW), b, options),
        TO_NHWC,
      ),
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

/** Group normalisation of `[N, h, w, C]`, float32 scale and bias `[C]`, and SiLU if wanted. */
export function groupNormNhwc(
  image: Var,
  scale: Var,
  bias: Var,
  { groups, epsilon, silu }: GroupNormOptions,
): Var {
  return fusedOp(
    'GroupNorm',
    [image, scale, bias],
    image,
    { groups: BigInt(groups), epsilon, activation: silu ? 1n : 0n, channels_last: 1n },
    (x, gamma, beta) => {
      assert(x && gamma && beta, 'GroupNorm has three inputs');
      return plainGroupNormNhwc(x, gamma, beta, { groups, epsilon, silu });
    },
  );
}

/** {@link groupNormNhwc} in plain operators, for what its kernel does not take. */
export function plainGroupNormNhwc(
  image: Var,
  scale: Var,
  bias: Var,
  { groups, epsilon, silu }: GroupNormOptions,
): Var {
  const planes = transpose(cast(image, 'FLOAT'), TO_NCHW);
  const ones = floats(Array.from({ length: groups }, () => 1));
  const zeros = floats(Array.from({ length: groups }, () => 0));
  const normal = instanceNorm(reshape(planes, [0, groups, -1]), ones, zeros, epsilon);
  const image32 = transpose(reshapeLike(normal, planes), TO_NHWC);
  const result = add(mul(image32, scale), bias);
  return cast(silu ? quickGelu(result, 1) : result, image.type);
}

/** Group normalisation of image + vector, the vector `[N, C]` added to every pixel. */
export function skipGroupNormNhwc(
  image: Var,
  scale: Var,
  bias: Var,
  vector: Var,
  { groups, epsilon, silu }: GroupNormOptions,
): Var {
  return fusedOp(
    'SkipGroupNorm',
    [image, scale, bias, vector],
    image,
    { groups: BigInt(groups), epsilon, activation: silu ? 1n : 0n, channels_last: 1n },
    (x, gamma, beta, skip) => {
      assert(x && gamma && beta && skip, 'SkipGroupNorm has four inputs');
      const sum = add(x, unsqueeze(skip, [1, 2]));
      return plainGroupNormNhwc(sum, gamma, beta, { groups, epsilon, silu });
    },
  );
}

/** Widths that onnxruntime's kernel of {@link biasSplitGelu} was written for. */
export const BIAS_SPLIT_GELU_WIDTHS: readonly number[] = [2560, 5120, 10240];

/** `[N, S, D]` plus bias `[D]`, the left half times the GELU of the right one. */
export function biasSplitGelu(x: Var, bias: Var): Var {
  const shape = x.shape.with(-1, sizeAt(x.shape, -1) / 2);
  return fusedOp('BiasSplitGelu', [x, bias], { type: x.type, shape }, {}, (value, b) => {
    assert(value && b, 'BiasSplitGelu has two inputs');
    const [left, right] = split(add(value, b), 2, 2);
    assert(left && right, 'two halves');
    return mul(left, gelu(right));
  });
}
