import { floats, int64s } from '#shared/engine/onnx/constant.ts';
import { concat, expand, reshape, shapeOf, unsqueeze } from '#shared/engine/onnx/ops/arrange.ts';
import { add, cos, mul, sin } from '#shared/engine/onnx/ops/elementwise.ts';
import { dimAt, sizeAt } from '#shared/engine/onnx/shape.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { activate } from './activation.ts';
import type { Scope } from './scope.ts';
import { sinusoid, sinusoidFrequencies } from './sinusoid.ts';
import type { Target } from './target.ts';
import type { UnetConfig } from './unet-config.ts';

/** Numbers in `time_ids`: original height and width, crop top and left, target height and width. */
export const TIME_IDS = 6;

/**
 * The activated time embedding `[N, timeChannels]` that every resnet takes: a constant for the
 * timestep plus the embedding of pooled text and sizes.
 */
export function timeEmbedding(
  target: Target,
  root: Scope,
  config: UnetConfig,
  timestep: number,
  pooled: Var,
  timeIds: Var,
): Var {
  const constant = timestepEmbedding(target, root, config, timestep);
  const sizes = expandedSizes(pooled, timeIds, config);
  const scope = root.at('add_embedding');
  const inputs = config.projection_class_embeddings_input_dim;
  const first = scope.at('linear_1').linear(inputs, config.timeChannels);
  const second = scope.at('linear_2').linear(config.timeChannels, config.timeChannels);
  const both = target.cast(concat([pooled, sizes], 1));
  const hidden = activate(target.linear(both, first), 'silu');
  return activate(add(target.linear(hidden, second), constant), config.act_fn);
}

/** `[N, 6·d]` sinusoids of `time_ids`, which has one row for each of pooled's, or one for all. */
function expandedSizes(pooled: Var, timeIds: Var, config: UnetConfig): Var {
  const width = config.addition_time_embed_dim;
  const batch = dimAt(pooled.shape, 0);
  const rows = concat([shapeOf(pooled, 0, 1), int64s([TIME_IDS])], 0);
  const ids = unsqueeze(expand(timeIds, rows, [batch, TIME_IDS]), [2]);
  const frequencies = floats([...sinusoidFrequencies(width / 2, config.freq_shift)]);
  const angles = mul(ids, frequencies);
  const halves = [cos(angles), sin(angles)];
  const both = concat(config.flip_sin_to_cos ? halves : halves.toReversed(), 2);
  return reshape(both, [0, TIME_IDS * width]);
}

/** The embedding of a fixed timestep, `[1, timeChannels]`; sessions fold it to a constant. */
function timestepEmbedding(target: Target, root: Scope, config: UnetConfig, step: number): Var {
  const scope = root.at('time_embedding');
  const width = sizeAt(config.block_out_channels, 0);
  const input = sinusoid(step, width, config.flip_sin_to_cos, config.freq_shift);
  const first = scope.at('linear_1').linear(width, config.timeChannels);
  const second = scope.at('linear_2').linear(config.timeChannels, config.timeChannels);
  const hidden = target.linear(target.cast(floats([...input], [1, width])), first);
  return target.linear(activate(hidden, config.act_fn), second);
}
