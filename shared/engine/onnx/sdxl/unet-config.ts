import { z } from 'zod';
import { FormatError } from '#shared/core/errors.ts';
import { DiffusersActivation } from './activation.ts';
import {
  Count,
  CountPerBlock,
  MAX_BLOCKS,
  PerBlock,
  PositiveInt,
  perBlock,
  readConfig,
} from './config-reader.ts';

const DEFAULT_CHANNELS = [320, 640, 1280, 1280];
const CROSS_DOWN = 'CrossAttnDownBlock2D';
const CROSS_UP = 'CrossAttnUpBlock2D';

/** Layers of one block: a number for each of its attentions, or one for all. */
const TransformerLayers = z.union([Count, z.array(CountPerBlock).max(MAX_BLOCKS)]);

/** The fields of `UNet2DConditionModel` that shape the graph, with that class's defaults. */
const UnetConfigSchema = z.object({
  sample_size: PositiveInt.nullish(),
  in_channels: PositiveInt.default(4),
  out_channels: PositiveInt.default(4),
  center_input_sample: z.boolean().default(false),
  flip_sin_to_cos: z.boolean().default(true),
  freq_shift: z.number().default(0),
  down_block_types: z
    .array(z.enum([CROSS_DOWN, 'DownBlock2D']))
    .default([CROSS_DOWN, CROSS_DOWN, CROSS_DOWN, 'DownBlock2D']),
  up_block_types: z
    .array(z.enum([CROSS_UP, 'UpBlock2D']))
    .default(['UpBlock2D', CROSS_UP, CROSS_UP, CROSS_UP]),
  block_out_channels: z.array(PositiveInt).min(1).max(MAX_BLOCKS).default(DEFAULT_CHANNELS),
  layers_per_block: CountPerBlock.default(2),
  downsample_padding: z.number().int().min(0).max(1).default(1),
  mid_block_scale_factor: z.number().positive().default(1),
  act_fn: DiffusersActivation.default('silu'),
  norm_num_groups: PositiveInt.default(32),
  norm_eps: z.number().positive().default(1e-5),
  cross_attention_dim: PerBlock.default(1280),
  transformer_layers_per_block: TransformerLayers.default(1),
  reverse_transformer_layers_per_block: z.array(CountPerBlock).max(MAX_BLOCKS).nullish(),
  attention_head_dim: PerBlock.default(8),
  use_linear_projection: z.boolean().default(false),
  addition_time_embed_dim: PositiveInt,
  time_embedding_dim: PositiveInt.nullish(),
  resnet_time_scale_shift: z.enum(['default', 'scale_shift']).default('default'),
  conv_in_kernel: PositiveInt.default(3),
  conv_out_kernel: PositiveInt.default(3),
  projection_class_embeddings_input_dim: PositiveInt,
});

/** Values that other fields must have: what they switch on is not part of SDXL. */
const SUPPORTED = {
  addition_embed_type: ['text_time'],
  mid_block_type: ['UNetMidBlock2DCrossAttn'],
  only_cross_attention: [false],
  mid_block_only_cross_attention: [null, false],
  dual_cross_attention: [false],
  class_embed_type: [null],
  num_class_embeds: [null],
  num_attention_heads: [null],
  encoder_hid_dim: [null],
  encoder_hid_dim_type: [null],
  time_embedding_type: ['positional'],
  time_embedding_act_fn: [null],
  timestep_post_act: [null],
  time_cond_proj_dim: [null],
  class_embeddings_concat: [false],
  attention_type: ['default'],
} as const;

/** One level of the UNet, with everything that its blocks need to know. */
export interface UnetBlock {
  readonly channels: number;
  readonly resnets: number;
  /** Heads of each attention; 0 for a block without attention. */
  readonly heads: number;
  /** Transformer layers of each attention. */
  readonly transformerLayers: readonly number[];
}

/** A UNet's configuration with every per-block setting spelled out. */
export interface UnetConfig extends Omit<z.infer<typeof UnetConfigSchema>, PerBlockField> {
  readonly down: readonly UnetBlock[];
  readonly mid: UnetBlock;
  /** In the order in which they run, the narrowest image first. */
  readonly up: readonly UnetBlock[];
  readonly contextChannels: number;
  readonly timeChannels: number;
}

type PerBlockField =
  | 'layers_per_block'
  | 'cross_attention_dim'
  | 'transformer_layers_per_block'
  | 'reverse_transformer_layers_per_block'
  | 'attention_head_dim';

/**
 * Reads the `config.json` of a `UNet2DConditionModel`.
 *
 * @throws FormatError naming the field that is wrong or not supported
 */
export function readUnetConfig(value: unknown, file: string): UnetConfig {
  const config = readConfig(UnetConfigSchema, SUPPORTED, withAdditionType(value), file);
  const channels = config.block_out_channels;
  const count = channels.length;
  const list = <T>(field: string, setting: T | readonly T[]) =>
    perBlock(field, setting, count, file);

  list('down_block_types', config.down_block_types);
  list('up_block_types', config.up_block_types);
  const layers = list('layers_per_block', config.layers_per_block);
  const heads = list('attention_head_dim', config.attention_head_dim);
  const depth = list<number | number[]>(
    'transformer_layers_per_block',
    config.transformer_layers_per_block,
  );
  const upDepth = config.reverse_transformer_layers_per_block ?? depth.toReversed();
  if (config.reverse_transformer_layers_per_block == null && depth.some(Array.isArray)) {
    throw new FormatError(
      file,
      '"reverse_transformer_layers_per_block" is needed with nested "transformer_layers_per_block"',
    );
  }
  list('reverse_transformer_layers_per_block', upDepth);
  checkGroups(config, file);

  const block = (
    level: number,
    resnets: number,
    attentions: number,
    depthHere: number | readonly number[] | undefined,
  ): UnetBlock => {
    const layersHere =
      attentions === 0
        ? []
        : perBlock('transformer_layers_per_block', depthHere ?? 1, attentions, file);
    return {
      channels: channels[level] ?? 0,
      resnets,
      heads: attentions === 0 ? 0 : checkedHeads(channels[level] ?? 0, heads[level] ?? 1, file),
      transformerLayers: layersHere,
    };
  };
  const down = config.down_block_types.map((type, level) => {
    const resnets = layers[level] ?? 0;
    return block(level, resnets, type === CROSS_DOWN ? resnets : 0, depth[level]);
  });
  const up = config.up_block_types.map((type, index) => {
    const level = count - 1 - index;
    const resnets = (layers[level] ?? 0) + 1;
    return block(level, resnets, type === CROSS_UP ? resnets : 0, upDepth[index]);
  });
  const midDepth = depth[count - 1];
  checkDepth([...down, ...up], file);
  return {
    ...config,
    down,
    mid: block(count - 1, 2, 1, isList(midDepth) ? midDepth.slice(0, 1) : midDepth),
    up,
    contextChannels: contextChannels(config.cross_attention_dim, count, file),
    timeChannels: config.time_embedding_dim ?? (channels[0] ?? 0) * 4,
  };
}

const isList = (value: number | readonly number[] | undefined): value is readonly number[] =>
  Array.isArray(value);

/** The class's default, no added embedding, is not supported, so absence must be seen as null. */
function withAdditionType(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { addition_embed_type: null, ...value }
    : value;
}

function checkedHeads(channels: number, heads: number, file: string): number {
  if (channels % heads === 0) return heads;
  throw new FormatError(
    file,
    `"attention_head_dim": ${heads} heads do not divide ${channels} of "block_out_channels"`,
  );
}

function checkGroups(config: z.infer<typeof UnetConfigSchema>, file: string): void {
  const bad = config.block_out_channels.find((count) => count % config.norm_num_groups !== 0);
  if (bad === undefined) return;
  throw new FormatError(
    file,
    `"block_out_channels": ${bad} is not a multiple of "norm_num_groups": ${config.norm_num_groups}`,
  );
}

/** Fifteen times what SDXL has. */
const MAX_TRANSFORMER_LAYERS = 1000;

function checkDepth(blocks: readonly UnetBlock[], file: string): void {
  const layers = blocks.flatMap(({ transformerLayers }) => transformerLayers);
  const total = layers.reduce((sum, count) => sum + count, 0);
  if (total <= MAX_TRANSFORMER_LAYERS) return;
  throw new FormatError(
    file,
    `"transformer_layers_per_block": ${total} transformer layers in all; at most ${MAX_TRANSFORMER_LAYERS}`,
  );
}

function contextChannels(value: number | readonly number[], count: number, file: string): number {
  const all = perBlock('cross_attention_dim', value, count, file);
  const [first = 0] = all;
  if (all.every((dim) => dim === first)) return first;
  throw new FormatError(file, '"cross_attention_dim" must be the same for every block');
}
