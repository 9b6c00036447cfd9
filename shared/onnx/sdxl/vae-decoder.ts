import { assert } from '#shared/core/errors.ts';
import { floats } from '#shared/onnx/constant.ts';
import { transpose } from '#shared/onnx/ops/arrange.ts';
import { add, cast, clip, div, mul, round } from '#shared/onnx/ops/elementwise.ts';
import { multiHeadAttention } from '#shared/onnx/ops/microsoft.ts';
import type { Var } from '#shared/onnx/value.ts';
import type { Dialect } from './dialect.ts';
import { resnetBlock } from './resnet.ts';
import type { Scope } from './scope.ts';
import type { VaeConfig } from './vae-config.ts';

/** Fixed in diffusers' `Decoder`. */
const EPSILON = 1e-6;
const IMAGE_CHANNELS = 3;

/**
 * diffusers' `AutoencoderKL.decode` with the pipeline's steps before and after it.
 *
 * @param x0 clean latents `[N, latent_channels, h, w]`
 * @returns uint8 `[N, H, W, 3]`
 */
export function vaeDecoder(dialect: Dialect, root: Scope, config: VaeConfig, x0: Var): Var {
  const latents = dialect.toImage(div(x0, floats(config.scaling_factor)));
  const channels = config.latent_channels;
  const quantized = config.use_post_quant_conv
    ? dialect.conv(latents, root.at('post_quant_conv'), {
        inputs: channels,
        outputs: channels,
        kernel: 1,
      })
    : latents;
  return toPixels(dialect.fromImage(decoder(dialect, root.at('decoder'), config, quantized)));
}

function decoder(dialect: Dialect, scope: Scope, config: VaeConfig, latents: Var): Var {
  const widths = config.block_out_channels.toReversed();
  let channels = widths[0];
  assert(channels !== undefined, 'a VAE has a block');
  const start = dialect.conv(latents, scope.at('conv_in'), {
    inputs: config.latent_channels,
    outputs: channels,
    kernel: 3,
  });
  let image = midBlock(dialect, scope.at('mid_block'), config, start, channels);
  for (const [index, width] of widths.entries()) {
    const block = scope.at('up_blocks', index);
    for (let i = 0; i <= config.layers_per_block; i += 1) {
      const shape = { inputs: channels, outputs: width, scale: 2 ** index };
      image = resnet(dialect, block.at('resnets', i), config, image, shape);
      channels = width;
    }
    if (index < widths.length - 1) {
      image = dialect.upsample(image, block.at('upsamplers.0.conv'), channels);
    }
  }
  const normalized = dialect.groupNorm(image, scope.at('conv_norm_out'), channels, {
    groups: config.norm_num_groups,
    epsilon: EPSILON,
    activation: 'silu',
  });
  return dialect.conv(normalized, scope.at('conv_out'), {
    inputs: channels,
    outputs: IMAGE_CHANNELS,
    kernel: 3,
  });
}

function midBlock(
  dialect: Dialect,
  scope: Scope,
  config: VaeConfig,
  image: Var,
  channels: number,
): Var {
  const shape = { inputs: channels, outputs: channels, scale: 1 };
  const first = resnet(dialect, scope.at('resnets.0'), config, image, shape);
  const attended = config.mid_block_add_attention
    ? attention(dialect, scope.at('attentions.0'), config, first, channels)
    : first;
  return resnet(dialect, scope.at('resnets.1'), config, attended, shape);
}

/** One head over all pixels, beside a shortcut. */
function attention(
  dialect: Dialect,
  scope: Scope,
  config: VaeConfig,
  image: Var,
  channels: number,
): Var {
  const normalized = dialect.groupNorm(image, scope.at('group_norm'), channels, {
    groups: config.norm_num_groups,
    epsilon: EPSILON,
  });
  const tokens = dialect.toTokens(normalized, channels);
  const linear = (name: string, x: Var) =>
    dialect.linear(x, scope.at(name).linear(channels, channels));
  const attended = multiHeadAttention(
    linear('to_q', tokens),
    linear('to_k', tokens),
    linear('to_v', tokens),
    { heads: 1 },
  );
  return add(dialect.fromTokens(linear('to_out.0', attended), image), image);
}

function resnet(
  dialect: Dialect,
  scope: Scope,
  config: VaeConfig,
  image: Var,
  shape: { readonly inputs: number; readonly outputs: number; readonly scale: number },
): Var {
  return resnetBlock(dialect, scope, image, {
    ...shape,
    groups: config.norm_num_groups,
    epsilon: EPSILON,
    activation: config.act_fn,
  });
}

/** Decoded values in −1…1, float32 `[N, 3, H, W]`, as bytes `[N, H, W, 3]`, rounded as numpy does. */
function toPixels(decoded: Var): Var {
  const unit = clip(add(mul(decoded, floats(0.5)), floats(0.5)), 0, 1);
  return transpose(cast(round(mul(unit, floats(255))), 'UINT8'), [0, 2, 3, 1]);
}
