import { floats } from '#shared/onnx/constant.ts';
import { split } from '#shared/onnx/ops/arrange.ts';
import { add, div } from '#shared/onnx/ops/elementwise.ts';
import type { Var } from '#shared/onnx/value.ts';
import { type Activation, activate } from './activation.ts';
import type { Dialect } from './dialect.ts';
import type { Scope } from './scope.ts';

export interface ResnetOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly groups: number;
  readonly epsilon: number;
  readonly activation: Activation;
  /** The sum of shortcut and branch is divided by this. Default 1. */
  readonly scaleFactor?: number;
  /** How many times larger the image is than the latents; absent in the UNet. */
  readonly scale?: number;
  /** The activated time embedding `[N, channels]` and how it enters; absent in the VAE. */
  readonly time?: { embedding: Var; channels: number; mode: 'default' | 'scale_shift' };
}

/** diffusers' `ResnetBlock2D`: two normalised convolutions beside a shortcut. */
export function resnetBlock(
  dialect: Dialect,
  scope: Scope,
  image: Var,
  options: ResnetOptions,
): Var {
  const { inputs, outputs, scaleFactor = 1 } = options;
  const norm = { groups: options.groups, epsilon: options.epsilon };
  const { activation } = options;
  const size = { kernel: 3, ...(options.scale === undefined ? {} : { scale: options.scale }) };
  const first = dialect.groupNorm(image, scope.at('norm1'), inputs, { ...norm, activation });
  const convolved = dialect.conv(first, scope.at('conv1'), { ...size, inputs, outputs });
  const second = secondNorm(dialect, scope, convolved, options);
  const branch = dialect.conv(second, scope.at('conv2'), {
    ...size,
    inputs: outputs,
    outputs,
  });
  const shortcut =
    inputs === outputs
      ? image
      : dialect.conv(image, scope.at('conv_shortcut'), { inputs, outputs, kernel: 1 });
  const sum = add(shortcut, branch);
  return scaleFactor === 1 ? sum : div(sum, floats(scaleFactor));
}

/** The second normalisation and activation, with the time embedding where the model has it. */
function secondNorm(dialect: Dialect, scope: Scope, image: Var, options: ResnetOptions): Var {
  const { outputs, activation, time } = options;
  const norm = { groups: options.groups, epsilon: options.epsilon };
  const at = scope.at('norm2');
  if (time === undefined) return dialect.groupNorm(image, at, outputs, { ...norm, activation });
  const projection = scope.at('time_emb_proj');
  if (time.mode === 'default') {
    const vector = dialect.linear(time.embedding, projection.linear(time.channels, outputs));
    return dialect.groupNorm(dialect.addVector(image, vector), at, outputs, {
      ...norm,
      activation,
    });
  }
  const both = dialect.linear(time.embedding, projection.linear(time.channels, 2 * outputs));
  const [scale, shift] = split(both, 1, 2) as [Var, Var];
  const normalized = dialect.groupNorm(image, at, outputs, norm);
  const scaled = dialect.mulVector(normalized, add(scale, floats(1)));
  return activate(dialect.addVector(scaled, shift), activation);
}
