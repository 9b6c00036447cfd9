import { defined } from '#shared/core/defined.ts';
import { floats } from '#shared/engine/onnx/constant.ts';
import { split } from '#shared/engine/onnx/ops/arrange.ts';
import { add, div } from '#shared/engine/onnx/ops/elementwise.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { type Activation, activate } from './activation.ts';
import type { Scope } from './scope.ts';
import type { Target } from './target.ts';

export interface ResnetOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly groups: number;
  readonly epsilon: number;
  readonly activation: Activation;
  /** The sum of shortcut and branch is divided by this. Default 1. */
  readonly scaleFactor?: number;
  /** Powers of two that keep the activations small, in the VAE. */
  readonly folding?: Folding;
  /** Called with every value that folding divides, in the order of their computation. */
  readonly watch?: Watch | undefined;
  /** How many times larger the image is than the latents. */
  readonly scale: number;
  /** The activated time embedding `[N, channels]` and how it enters; absent in the VAE. */
  readonly time?: { embedding: Var; channels: number; mode: 'default' | 'scale_shift' };
}

/**
 * Exponents of the powers of two that divide a model's activations, so that float16 can hold them.
 * Group normalisation undoes any factor, so only the range changes: in float32 the result is the same
 * to the bit.
 */
export interface Folding {
  /** Of what runs from block to block. */
  readonly residual: number;
  /** Of what the first convolution of each block puts out. */
  readonly inner: number;
}

/** Takes note of a value and of the exponent that divides it. */
export type Watch = (exponent: keyof Folding, value: Var) => void;

export const NO_FOLDING: Folding = { residual: 0, inner: 0 };

/** A normalisation's epsilon for values divided by 2ᵏ. */
export const foldedEpsilon = (epsilon: number, exponent: number): number =>
  Math.fround(epsilon) * 2 ** (-2 * exponent);

/** diffusers' `ResnetBlock2D`: two normalised convolutions beside a shortcut. */
export function resnetBlock(target: Target, scope: Scope, image: Var, options: ResnetOptions): Var {
  const { inputs, outputs, scaleFactor = 1, folding = NO_FOLDING } = options;
  const epsilon = foldedEpsilon(options.epsilon, folding.residual);
  const norm = { groups: options.groups, epsilon };
  const { activation } = options;
  const norm1 = { scope: scope.at('norm1'), options: { ...norm, activation } };
  const conv1 = scope.at('conv1').scaled({ weight: -folding.inner, bias: -folding.inner });
  const convolved = target.normConv(image, norm1, conv1, {
    inputs,
    outputs,
    kernel: 3,
    scale: options.scale,
  });
  options.watch?.('inner', convolved);
  const branch = secondConv(target, scope, convolved, options);
  const { residual } = folding;
  const shortcut =
    inputs === outputs
      ? image
      : target.conv(image, scope.at('conv_shortcut').scaled({ weight: 0, bias: -residual }), {
          inputs,
          outputs,
          kernel: 1,
        });
  const sum = target.sum(shortcut, branch);
  for (const value of [branch, shortcut, sum]) options.watch?.('residual', value);
  return scaleFactor === 1 ? sum : div(sum, target.cast(floats(scaleFactor)));
}

/** The second convolution of normalised pixels, with the time embedding where the model has it. */
function secondConv(target: Target, scope: Scope, image: Var, options: ResnetOptions): Var {
  const { outputs, activation, time, folding = NO_FOLDING } = options;
  const { residual } = folding;
  const conv = scope.at('conv2').scaled({ weight: -residual, bias: -residual });
  const shape = { inputs: outputs, outputs, kernel: 3, scale: options.scale };
  const norm = { groups: options.groups, epsilon: foldedEpsilon(options.epsilon, folding.inner) };
  const at = scope.at('norm2');
  const projection = scope.at('time_emb_proj');
  if (time?.mode === 'scale_shift') {
    const both = target.linear(time.embedding, projection.linear(time.channels, 2 * outputs));
    const [scale, shift] = split(both, 1, 2) as [Var, Var];
    const normalized = target.groupNorm(image, at, outputs, norm);
    const scaled = target.mulVector(normalized, add(scale, target.cast(floats(1))));
    return target.conv(activate(target.addVector(scaled, shift), activation), conv, shape);
  }
  const plus = time && target.linear(time.embedding, projection.linear(time.channels, outputs));
  const normLayer = { scope: at, options: { ...norm, activation, ...defined({ plus }) } };
  return target.normConv(image, normLayer, conv, shape);
}
