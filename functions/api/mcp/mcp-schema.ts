import { z } from 'zod';
import { IMAGE_FORMATS, SeedWishSchema } from '#shared/core/inference.ts';
import { JOB_STATUSES } from '#shared/core/job.ts';

// Strict: an argument that is not known is refused before anything is charged.
export const GenerateInput = z.strictObject({
  prompt: z.string().min(1).max(10_000).describe('What the image shows'),
  model: z.string().max(200).optional().describe('owner/name; see list_models'),
  size: z.string().max(20).optional().describe('WIDTHxHEIGHT'),
  aspect_ratio: z.string().max(10).optional().describe('Such as 16:9, instead of size'),
  seed: SeedWishSchema.optional().describe('The same seed gives the same image'),
  num_outputs: z.number().int().min(1).max(4).optional(),
  output_format: z.enum(IMAGE_FORMATS).optional(),
  decoder: z.literal('draft').optional().describe('By the smaller decoder; see list_models'),
});

/** What `generate` and `get_prediction` tell beside the pictures. */
export const PredictionFacts = z.object({
  id: z.string(),
  status: z.enum(JOB_STATUSES),
  urls: z.array(z.string()).describe('The images as they were made; empty until they are'),
  seed: z.number().int().nullable(),
  cost_micro_usd: z.number().int().describe('What was charged, in millionths of a US dollar'),
  eta_seconds: z.number().optional().describe('Until it is ready; absent once it has ended'),
});

/** What `list_models` tells. */
export const ModelList = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      default_size: z.string().describe('WIDTHxHEIGHT'),
      sides: z.object({ multiple_of: z.number(), min: z.number(), max: z.number() }),
      max_outputs: z.number().int(),
      price_per_image: z.string().describe('At the default size'),
      decoders: z.array(z.literal('draft')).optional(),
      price_per_draft: z.string().optional(),
    }),
  ),
});
