import { z } from 'zod';
import { FormatError } from '#shared/core/errors.ts';
import { ClipActivation } from './activation.ts';
import { Count, PositiveInt, readConfig } from './config-reader.ts';

/** The fields of `CLIPTextConfig` that shape the graph, with that class's defaults. */
const ClipConfigSchema = z.object({
  vocab_size: PositiveInt.default(49408),
  hidden_size: PositiveInt.default(512),
  intermediate_size: PositiveInt.default(2048),
  projection_dim: PositiveInt.default(512),
  num_hidden_layers: Count.default(12),
  num_attention_heads: PositiveInt.default(8),
  max_position_embeddings: PositiveInt.default(77),
  hidden_act: ClipActivation.default('quick_gelu'),
  layer_norm_eps: z.number().positive().default(1e-5),
  eos_token_id: z.number().int().min(0).default(49407),
});
export type ClipConfig = z.infer<typeof ClipConfigSchema>;

/**
 * Reads the `config.json` of a CLIP text encoder.
 *
 * @throws FormatError naming the field that is wrong or not supported
 */
export function readClipConfig(value: unknown, file: string): ClipConfig {
  const config = readConfig(ClipConfigSchema, {}, value, file);
  if (config.hidden_size % config.num_attention_heads !== 0) {
    throw new FormatError(
      file,
      `"hidden_size": ${config.hidden_size} is not a multiple of "num_attention_heads": ${config.num_attention_heads}`,
    );
  }
  return config;
}
