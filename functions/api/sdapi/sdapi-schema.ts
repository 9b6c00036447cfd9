import { z } from '@hono/zod-openapi';
import { IMAGE_FORMATS, SeedWishSchema } from '#shared/core/inference.ts';

const OverridesSchema = z.looseObject({
  sd_model_checkpoint: z.string().max(200).nullish().describe('owner/name'),
  samples_format: z.enum([...IMAGE_FORMATS, 'jpg']).nullish(),
});

/**
 * What AUTOMATIC1111's clients send to `txt2img`. They send all that its form has, so that members
 * which mean nothing here are taken and not kept.
 */
export const Txt2ImgSchema = z
  .looseObject({
    prompt: z.string().min(1).max(10_000),
    seed: SeedWishSchema.nullish().describe('-1 draws one'),
    width: z.number().int().min(1).max(16_384).nullish(),
    height: z.number().int().min(1).max(16_384).nullish(),
    batch_size: z.number().int().min(1).max(64).nullish().describe('Images in one go'),
    n_iter: z.number().int().min(1).max(64).nullish().describe('Times batch_size'),
    negative_prompt: z.string().nullish().describe('A one-step model has none'),
    steps: z.number().nullish().describe('One step, always'),
    cfg_scale: z.number().nullish().describe('A one-step model has no guidance'),
    sampler_name: z.string().nullish().describe('Each model has its own'),
    send_images: z.boolean().nullish().describe('false leaves images out of the answer'),
    override_settings: OverridesSchema.nullish(),
  })
  .openapi('Txt2Img', {
    example: { prompt: 'a lighthouse at dusk', seed: -1, steps: 20, cfg_scale: 7 },
  });
export type Txt2Img = z.infer<typeof Txt2ImgSchema>;

const SdParametersSchema = z.object({
  prompt: z.string(),
  negative_prompt: z.string(),
  seed: z.number().int(),
  width: z.number().int(),
  height: z.number().int(),
  sampler_name: z.string(),
  cfg_scale: z.number(),
  steps: z.number().int(),
  batch_size: z.number().int(),
});
export type SdParameters = z.input<typeof SdParametersSchema>;

/** What `info` holds, as JSON text: `parameters` with what AUTOMATIC1111's clients read there. */
export type SdInfo = SdParameters & {
  readonly all_prompts: readonly string[];
  readonly all_negative_prompts: readonly string[];
  readonly all_seeds: readonly number[];
  readonly sd_model_name: string;
  readonly sd_model_hash: string;
  readonly infotexts: readonly string[];
  readonly index_of_first_image: number;
  readonly styles: readonly string[];
  readonly job_timestamp: string;
  readonly version: string;
  readonly prediction: string;
  readonly cost_micro_usd: number;
  readonly warnings: readonly string[];
};

export const Txt2ImgResultSchema = z
  .object({
    images: z.array(z.string()).describe('Base64'),
    parameters: SdParametersSchema.describe('What was drawn'),
    info: z.string().describe('JSON: seeds, size, model, cost and warnings'),
  })
  .openapi('Txt2ImgResult');

export const SdProgressSchema = z
  .object({
    progress: z.number().describe('0 to 1'),
    eta_relative: z.number().describe('Seconds'),
    state: z.object({
      skipped: z.boolean(),
      interrupted: z.boolean(),
      stopping_generation: z.boolean(),
      job: z.string(),
      job_count: z.number().int(),
      job_timestamp: z.string(),
      job_no: z.number().int(),
      sampling_step: z.number().int(),
      sampling_steps: z.number().int(),
    }),
    current_image: z.string().nullable(),
    textinfo: z.string().nullable(),
  })
  .openapi('SdProgress');

export const SdOptionsSchema = z
  .object({
    sd_model_checkpoint: z.string(),
    sd_checkpoint_hash: z.string(),
    samples_format: z.enum(IMAGE_FORMATS),
  })
  .openapi('SdOptions');

export const SetSdOptionsSchema = z
  .looseObject({ sd_model_checkpoint: z.string().max(200).nullish() })
  .openapi('SetSdOptions', { example: { samples_format: 'png' } });

export const SdModelSchema = z
  .object({
    title: z.string(),
    model_name: z.string(),
    hash: z.string(),
    sha256: z.string(),
    filename: z.string(),
    config: z.string().nullable(),
  })
  .openapi('SdModel');

export const SdSamplerSchema = z
  .object({
    name: z.string(),
    aliases: z.array(z.string()),
    options: z.record(z.string(), z.string()),
  })
  .openapi('SdSampler');

/** An entry of the lists that tell clients what they can choose. */
export const SdNamedSchema = z.object({ name: z.string() }).openapi('SdNamed');
