import { z } from 'zod';
import { FormatError } from '#shared/core/errors.ts';
import { DiffusersActivation } from './activation.ts';
import { Count, MAX_BLOCKS, PositiveInt, perBlock, readConfig } from './config-reader.ts';

/** The fields of `AutoencoderTiny` that shape its decoder, with that class's defaults. */
const TinyVaeConfigSchema = z.object({
  decoder_block_out_channels: z.array(PositiveInt).min(1).max(MAX_BLOCKS).default([64, 64, 64, 64]),
  num_decoder_blocks: z.array(Count).max(MAX_BLOCKS).default([3, 3, 3, 1]),
  act_fn: DiffusersActivation.default('relu'),
  latent_channels: PositiveInt.default(4),
  scaling_factor: z.number().positive().default(1),
});

/** A small decoder without attention or normalisation, such as TAESDXL. */
export interface TinyVaeConfig
  extends Pick<
    z.infer<typeof TinyVaeConfigSchema>,
    'act_fn' | 'latent_channels' | 'scaling_factor'
  > {
  readonly kind: 'tiny';
  /** The same in every layer. */
  readonly channels: number;
  /** Blocks before each doubling, and after the last. */
  readonly blocks: readonly number[];
}

/** @throws FormatError naming the field that is wrong or not supported */
export function readTinyVaeConfig(value: unknown, file: string): TinyVaeConfig {
  const supported = {
    out_channels: [3],
    upsampling_scaling_factor: [2],
    upsample_fn: ['nearest'],
  };
  const config = readConfig(TinyVaeConfigSchema, supported, value, file);
  const { decoder_block_out_channels: widths, num_decoder_blocks, ...rest } = config;
  const blocks = perBlock('num_decoder_blocks', num_decoder_blocks, widths.length, file);
  const [channels = 0] = widths;
  if (widths.every((width) => width === channels)) {
    return { kind: 'tiny', channels, blocks, ...rest };
  }
  throw new FormatError(file, '"decoder_block_out_channels" must be the same for every block');
}
