import { z } from 'zod';
import { FormatError } from '#shared/core/errors.ts';
import { isRecord } from '#shared/engine/bytes/json.ts';
import { DiffusersActivation } from './activation.ts';
import { Count, MAX_BLOCKS, PositiveInt, perBlock, readConfig } from './config-reader.ts';
import { readTinyVaeConfig, type TinyVaeConfig } from './tiny-vae-config.ts';

/** The fields of `AutoencoderKL` that shape its decoder, with that class's defaults. */
const VaeConfigSchema = z.object({
  block_out_channels: z.array(PositiveInt).min(1).max(MAX_BLOCKS).default([64]),
  up_block_types: z.array(z.literal('UpDecoderBlock2D')).default(['UpDecoderBlock2D']),
  layers_per_block: Count.default(1),
  act_fn: DiffusersActivation.default('silu'),
  latent_channels: PositiveInt.default(4),
  norm_num_groups: PositiveInt.default(32),
  scaling_factor: z.number().positive().default(0.18215),
  force_upcast: z.boolean().default(true),
  use_post_quant_conv: z.boolean().default(true),
  mid_block_add_attention: z.boolean().default(true),
});
export type VaeConfig = z.infer<typeof VaeConfigSchema> & { readonly kind: 'kl' };

/** Either class of decoder. */
export type DecoderConfig = VaeConfig | TinyVaeConfig;

/**
 * Reads the `config.json` of an `AutoencoderKL`.
 *
 * @throws FormatError naming the field that is wrong or not supported
 */
export function readVaeConfig(value: unknown, file: string): VaeConfig {
  const supported = { out_channels: [3], latents_mean: [null], latents_std: [null] };
  const config = readConfig(VaeConfigSchema, supported, value, file);
  perBlock('up_block_types', config.up_block_types, config.block_out_channels.length, file);
  for (const channels of config.block_out_channels) {
    if (channels % config.norm_num_groups === 0) continue;
    throw new FormatError(
      file,
      `"block_out_channels": ${channels} is not a multiple of "norm_num_groups": ${config.norm_num_groups}`,
    );
  }
  return { ...config, kind: 'kl' };
}

/**
 * Reads the `config.json` of an `AutoencoderKL` or `AutoencoderTiny`.
 *
 * @throws FormatError naming the field that is wrong or not supported
 */
export function readDecoderConfig(value: unknown, file: string): DecoderConfig {
  const name = isRecord(value) ? (value['_class_name'] ?? KL) : KL;
  if (name === KL) return readVaeConfig(value, file);
  if (name === 'AutoencoderTiny') return readTinyVaeConfig(value, file);
  const problem = `"_class_name": ${JSON.stringify(name)} must be ${KL} or AutoencoderTiny`;
  throw new FormatError(file, problem);
}

const KL = 'AutoencoderKL';

/** Pixels per latent in each direction. */
export const vaeFactor = (config: DecoderConfig): number =>
  2 ** ((config.kind === 'kl' ? config.block_out_channels : config.blocks).length - 1);
