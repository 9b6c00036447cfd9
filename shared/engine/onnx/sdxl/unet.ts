import { assert } from '#shared/core/errors.ts';
import { floats } from '#shared/engine/onnx/constant.ts';
import { cast, mul, sub } from '#shared/engine/onnx/ops/elementwise.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { type ResnetOptions, resnetBlock } from './resnet.ts';
import type { Scope } from './scope.ts';
import type { Target } from './target.ts';
import { timeEmbedding } from './time-embedding.ts';
import { transformer } from './transformer.ts';
import type { UnetBlock, UnetConfig } from './unet-config.ts';

export interface UnetInputs {
  /** Noise `[N, in_channels, h, w]`; h and w of any size. */
  readonly latents: Var;
  /** `[N, S, contextChannels]`. */
  readonly context: Var;
  /** `[N, P]`. */
  readonly pooled: Var;
  /** `[N or 1, 6]`. */
  readonly timeIds: Var;
}

/** What all levels of one UNet share. */
interface Level {
  readonly target: Target;
  readonly config: UnetConfig;
  readonly embedding: Var;
  readonly context: Var;
}

/** diffusers' `UNet2DConditionModel` at one timestep: the model's float32 output for noisy latents. */
export function unet(
  target: Target,
  scope: Scope,
  config: UnetConfig,
  timestep: number,
  inputs: UnetInputs,
): Var {
  const embedding = timeEmbedding(target, scope, config, timestep, inputs.pooled, inputs.timeIds);
  const level: Level = { target, config, embedding, context: target.cast(inputs.context) };
  const [firstChannels] = config.block_out_channels;
  assert(firstChannels !== undefined, 'a UNet has a block');

  const centered = config.center_input_sample
    ? sub(mul(inputs.latents, floats(2)), floats(1))
    : inputs.latents;
  const start = target.conv(target.toImage(centered), scope.at('conv_in'), {
    inputs: config.in_channels,
    outputs: firstChannels,
    kernel: config.conv_in_kernel,
  });
  const { image, skips } = downBlocks(level, scope, start, firstChannels);
  const middle = midBlock(level, scope.at('mid_block'), image);
  const last = upBlocks(level, scope, middle, skips);
  const normalized = target.groupNorm(last, scope.at('conv_norm_out'), firstChannels, {
    groups: config.norm_num_groups,
    epsilon: config.norm_eps,
    activation: config.act_fn,
  });
  const result = target.conv(normalized, scope.at('conv_out'), {
    inputs: firstChannels,
    outputs: config.out_channels,
    kernel: config.conv_out_kernel,
  });
  return cast(target.fromImage(result), 'FLOAT');
}

/** An image kept for the way up, with its channels. */
interface Skip {
  readonly image: Var;
  readonly channels: number;
}

function downBlocks(
  level: Level,
  root: Scope,
  start: Var,
  startChannels: number,
): { image: Var; skips: Skip[] } {
  const { target, config } = level;
  const skips: Skip[] = [{ image: start, channels: startChannels }];
  let image = start;
  let channels = startChannels;
  config.down.forEach((block, index) => {
    const scope = root.at('down_blocks', index);
    for (let i = 0; i < block.resnets; i += 1) {
      const shape = { inputs: channels, outputs: block.channels, scale: 2 ** -index };
      image = resnet(level, scope.at('resnets', i), image, shape);
      channels = block.channels;
      image = attention(level, scope, image, block, i);
      skips.push({ image, channels });
    }
    if (index === config.down.length - 1) return;
    image = target.conv(image, scope.at('downsamplers.0.conv'), {
      inputs: channels,
      outputs: channels,
      kernel: 3,
      stride: 2,
      padding: config.downsample_padding === 0 ? 'after' : config.downsample_padding,
    });
    skips.push({ image, channels });
  });
  return { image, skips };
}

function midBlock(level: Level, scope: Scope, image: Var): Var {
  const { mid, down, mid_block_scale_factor: scaleFactor } = level.config;
  const { channels } = mid;
  const shape = { inputs: channels, outputs: channels, scale: 2 ** (1 - down.length), scaleFactor };
  const first = resnet(level, scope.at('resnets.0'), image, shape);
  const attended = attention(level, scope, first, mid, 0);
  return resnet(level, scope.at('resnets.1'), attended, shape);
}

function upBlocks(level: Level, root: Scope, start: Var, skips: Skip[]): Var {
  const { target, config } = level;
  let image = start;
  let channels = config.mid.channels;
  config.up.forEach((block, index) => {
    const scope = root.at('up_blocks', index);
    const scale = 2 ** (index + 1 - config.up.length);
    for (let i = 0; i < block.resnets; i += 1) {
      const skip = skips.pop();
      assert(skip !== undefined, 'a skip connection for each resnet on the way up');
      const joined = target.concatChannels(image, skip.image);
      const shape = { inputs: channels + skip.channels, outputs: block.channels, scale };
      image = resnet(level, scope.at('resnets', i), joined, shape);
      channels = block.channels;
      image = attention(level, scope, image, block, i);
    }
    const next = skips.at(-1);
    if (next === undefined) return;
    // The size of the next skip connection, not twice this one: they differ when a side is odd.
    image = target.upsample(image, scope.at('upsamplers.0.conv'), {
      channels,
      like: next.image,
      scale: 2 * scale,
    });
  });
  return image;
}

function resnet(
  { target, config, embedding }: Level,
  scope: Scope,
  image: Var,
  shape: Pick<ResnetOptions, 'inputs' | 'outputs' | 'scale' | 'scaleFactor'>,
): Var {
  const options: ResnetOptions = {
    ...shape,
    groups: config.norm_num_groups,
    epsilon: config.norm_eps,
    activation: config.act_fn,
    time: {
      embedding,
      channels: config.timeChannels,
      mode: config.resnet_time_scale_shift,
    },
  };
  return resnetBlock(target, scope, image, options);
}

function attention(
  { target, config, context }: Level,
  scope: Scope,
  image: Var,
  block: UnetBlock,
  index: number,
): Var {
  const layers = block.transformerLayers[index];
  if (layers === undefined) return image;
  return transformer(target, scope.at('attentions', index), image, context, {
    channels: block.channels,
    heads: block.heads,
    layers,
    groups: config.norm_num_groups,
    contextChannels: config.contextChannels,
    linearProjection: config.use_linear_projection,
  });
}
