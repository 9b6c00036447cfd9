import { assert } from '#shared/core/errors.ts';
import { floats } from '#shared/engine/onnx/constant.ts';
import { transpose } from '#shared/engine/onnx/ops/arrange.ts';
import { add, cast, clip, div, mul, round } from '#shared/engine/onnx/ops/elementwise.ts';
import { multiHeadAttention } from '#shared/engine/onnx/ops/microsoft.ts';
import { sum } from '#shared/engine/onnx/ops/network.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { type Folding, foldedEpsilon, NO_FOLDING, resnetBlock, type Watch } from './resnet.ts';
import type { Scope } from './scope.ts';
import type { Target } from './target.ts';
import { decodeTiny } from './tiny-decoder.ts';
import type { DecoderConfig, VaeConfig } from './vae-config.ts';

/** Fixed in diffusers' `Decoder`. */
const EPSILON = 1e-6;
const IMAGE_CHANNELS = 3;

/** What the layers of one decoder share. */
interface Decoder {
  readonly target: Target;
  readonly config: VaeConfig;
  readonly folding: Folding;
  readonly watch: Watch | undefined;
}

/**
 * diffusers' `decode` of either class of autoencoder with the pipeline's steps around it.
 *
 * @param x0 clean latents `[N, latent_channels, h, w]`
 * @returns uint8 `[N, H, W, 3]`, and a float that is 0, or NaN if any decoded value is not finite
 */
export function vaeDecoder(
  target: Target,
  root: Scope,
  config: DecoderConfig,
  x0: Var,
  folding = NO_FOLDING,
): { pixels: Var; defect: Var } {
  const decoded = cast(
    config.kind === 'tiny'
      ? decodeTiny(target, root, config, x0)
      : decode(target, root, config, x0, folding),
    'FLOAT',
  );
  // Bytes can't say that they were NaN.
  return { pixels: toPixels(decoded), defect: sum(mul(decoded, floats(0))) };
}

/**
 * The decoded image before it becomes bytes: `[N, 3, H, W]` in about −1…1.
 *
 * @param watch called with every value that folding divides
 */
export function decode(
  target: Target,
  root: Scope,
  config: VaeConfig,
  x0: Var,
  folding: Folding,
  watch?: Watch,
): Var {
  const latents = target.toImage(div(x0, floats(config.scaling_factor)));
  const channels = config.latent_channels;
  const quantized = config.use_post_quant_conv
    ? target.conv(latents, root.at('post_quant_conv'), {
        inputs: channels,
        outputs: channels,
        kernel: 1,
      })
    : latents;
  const decoder = { target, config, folding, watch };
  return target.fromImage(decodeBlocks(decoder, root.at('decoder'), quantized));
}

function decodeBlocks(decoder: Decoder, scope: Scope, latents: Var): Var {
  const { target, config, folding } = decoder;
  const widths = config.block_out_channels.toReversed();
  let channels = widths[0];
  assert(channels !== undefined, 'a VAE has a block');
  const start = target.conv(latents, scope.at('conv_in').scaled(both(folding)), {
    inputs: config.latent_channels,
    outputs: channels,
    kernel: 3,
  });
  decoder.watch?.('residual', start);
  let image = midBlock(decoder, scope.at('mid_block'), start, channels);
  for (const [index, width] of widths.entries()) {
    const block = scope.at('up_blocks', index);
    for (let i = 0; i <= config.layers_per_block; i += 1) {
      const shape = { inputs: channels, outputs: width, scale: 2 ** index };
      image = resnet(decoder, block.at('resnets', i), image, shape);
      channels = width;
    }
    if (index < widths.length - 1) {
      const conv = block.at('upsamplers.0.conv').scaled({ weight: 0, bias: -folding.residual });
      image = target.upsample(image, conv, { channels, scale: 2 ** (index + 1) });
      decoder.watch?.('residual', image);
    }
  }
  const normalized = target.groupNorm(image, scope.at('conv_norm_out'), channels, {
    groups: config.norm_num_groups,
    epsilon: foldedEpsilon(EPSILON, folding.residual),
    activation: 'silu',
  });
  return target.conv(normalized, scope.at('conv_out'), {
    inputs: channels,
    outputs: IMAGE_CHANNELS,
    kernel: 3,
  });
}

const both = ({ residual }: Folding) => ({ weight: -residual, bias: -residual });

function midBlock(decoder: Decoder, scope: Scope, image: Var, channels: number): Var {
  const shape = { inputs: channels, outputs: channels, scale: 1 };
  const first = resnet(decoder, scope.at('resnets.0'), image, shape);
  const attended = decoder.config.mid_block_add_attention
    ? attention(decoder, scope.at('attentions.0'), first, channels)
    : first;
  return resnet(decoder, scope.at('resnets.1'), attended, shape);
}

/** One head over all pixels, beside a shortcut. */
function attention(decoder: Decoder, scope: Scope, image: Var, channels: number): Var {
  const { target, config, folding } = decoder;
  const normalized = target.groupNorm(image, scope.at('group_norm'), channels, {
    groups: config.norm_num_groups,
    epsilon: foldedEpsilon(EPSILON, folding.residual),
  });
  const tokens = target.toTokens(normalized, channels);
  const linear = (at: Scope, x: Var) => target.linear(x, at.linear(channels, channels));
  const attended = multiHeadAttention(
    linear(scope.at('to_q'), tokens),
    linear(scope.at('to_k'), tokens),
    linear(scope.at('to_v'), tokens),
    { heads: 1 },
  );
  const out = linear(scope.at('to_out.0').scaled(both(folding)), attended);
  const sum = target.sum(target.fromTokens(out, image), image);
  for (const value of [out, sum]) decoder.watch?.('residual', value);
  return sum;
}

function resnet(
  { target, config, folding, watch }: Decoder,
  scope: Scope,
  image: Var,
  shape: { readonly inputs: number; readonly outputs: number; readonly scale: number },
): Var {
  return resnetBlock(target, scope, image, {
    ...shape,
    groups: config.norm_num_groups,
    epsilon: EPSILON,
    activation: config.act_fn,
    folding,
    watch,
  });
}

/** Decoded values in −1…1, `[N, 3, H, W]`, as bytes `[N, H, W, 3]`, rounded as numpy does. */
function toPixels(decoded: Var): Var {
  const unit = clip(add(mul(decoded, floats(0.5)), floats(0.5)), 0, 1);
  return transpose(cast(round(mul(unit, floats(255))), 'UINT8'), [0, 2, 3, 1]);
}
