import { z } from '@hono/zod-openapi';
import { IMAGE_FORMATS, SeedWishSchema } from '#shared/core/inference.ts';

/**
 * What OpenAI's clients send. Members that mean nothing to a one-step model are accepted where they ask
 * for what it does anyway.
 */
export const ImagesRequestSchema = z
  .strictObject({
    prompt: z.string().min(1).max(10_000),
    model: z.string().max(200).nullish().describe('owner/name. Default: the first model'),
    n: z.number().int().min(1).max(10).nullish(),
    size: z.string().max(20).nullish().describe('WIDTHxHEIGHT or auto'),
    response_format: z.enum(['url', 'b64_json']).nullish().describe('Default: url'),
    output_format: z.enum([...IMAGE_FORMATS, 'jpg']).nullish(),
    output_compression: z.number().int().min(0).max(100).nullish().describe('Of jpeg and webp'),
    seed: SeedWishSchema.nullish().describe('The same seed gives the same images'),
    stream: z.boolean().nullish(),
    partial_images: z.number().int().min(0).max(3).nullish().describe('One step has none'),
    quality: z.enum(['auto', 'low', 'medium', 'high', 'standard', 'hd']).nullish(),
    background: z.enum(['auto', 'opaque']).nullish(),
    moderation: z.enum(['auto', 'low']).nullish(),
    style: z.enum(['vivid', 'natural']).nullish(),
    user: z.string().max(256).nullish(),
  })
  .openapi('ImagesRequest', { example: { prompt: 'a lighthouse at dusk', n: 1 } });
export type ImagesRequest = z.infer<typeof ImagesRequestSchema>;

/** What OpenAI's clients take for the size of an answer. */
export const RESPONSE_SIZES = ['1024x1024', '1024x1536', '1536x1024'] as const;

const UsageSchema = z.object({
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  total_tokens: z.number().int(),
  input_tokens_details: z.object({ text_tokens: z.number().int(), image_tokens: z.number().int() }),
});

export const ImagesResponseSchema = z
  .object({
    created: z.number().int(),
    data: z.array(z.object({ url: z.string().optional(), b64_json: z.string().optional() })),
    background: z.literal('opaque'),
    output_format: z.enum(IMAGE_FORMATS),
    /** One of OpenAI's own, or absent: its clients know no others. */
    size: z.enum(RESPONSE_SIZES).optional(),
    usage: UsageSchema,
    /** Besides what OpenAI answers: which prediction it was, and what it cost. */
    prediction: z.string(),
    seed: z.number().int(),
    cost: z.number().int().describe('Millionths of a US dollar'),
    warnings: z.array(z.string()),
  })
  .openapi('ImagesResponse');
export type ImagesResponse = z.infer<typeof ImagesResponseSchema>;
