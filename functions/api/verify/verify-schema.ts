import { z } from '@hono/zod-openapi';
import { IMAGE_FORMATS } from '#shared/core/inference.ts';

const Sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits');
const ModelSchema = z.object({ name: z.string(), digest: z.string() });

/** The receipt as it is inside a file (XMP, `onestep:receipt`). */
export const FileReceiptSchema = z
  .object({
    engine: z.string(),
    model: ModelSchema,
    prompt: z.string(),
    seed: z.number().int(),
    width: z.number().int(),
    height: z.number().int(),
    format: z.string(),
    quality: z.number(),
    decoder: z.literal('draft').optional(),
    pixels_sha256: Sha256Schema,
    signature: z.string().optional(),
  })
  .openapi('FileReceipt');

/** The `receipt` of a prediction. */
export const PredictionReceiptSchema = z
  .object({
    model: ModelSchema,
    versions: z.record(z.string(), z.string()),
    input: z.object({
      prompt: z.string(),
      output_quality: z.number(),
      decoder: z.literal('draft').optional(),
    }),
    images: z.array(
      z.object({
        seed: z.number().int(),
        width: z.number().int(),
        height: z.number().int(),
        format: z.enum(IMAGE_FORMATS),
        pixels_sha256: Sha256Schema,
        signature: z.string().optional(),
      }),
    ),
  })
  .openapi('PredictionReceipt');

export const VerifyRequestSchema = z
  .strictObject({
    receipt: z
      .union([z.string().max(60_000), FileReceiptSchema, PredictionReceiptSchema])
      .describe('The receipt inside the file, as text or as JSON, or the receipt of a prediction'),
    signature: z
      .string()
      .max(200)
      .optional()
      .describe('The signature inside the file (XMP, onestep:signature)'),
    pixels_sha256: Sha256Schema.describe('SHA-256 of the uint8 RGB pixels, row by row'),
  })
  .openapi('VerifyRequest', {
    example: {
      receipt: '{"engine":"onestep 0.1.0","model":{"name":"demo","digest":"9c89…"}}',
      signature: 'aE9lnvrI3fcLG8Gn2GSPjps0yU7hnFDPLG7nOGjuSeE=',
      pixels_sha256: '0f'.repeat(32),
    },
  });
export type VerifyRequest = z.infer<typeof VerifyRequestSchema>;

export const VerifyAnswerSchema = z
  .object({
    made_here: z.boolean(),
    reason: z
      .enum(['unsigned', 'unknown-signature', 'other-pixels', 'unreadable'])
      .nullable()
      .describe('Why not'),
    model: ModelSchema.nullable(),
    seed: z.number().int().nullable(),
  })
  .openapi('VerifyAnswer');
export type VerifyAnswer = z.infer<typeof VerifyAnswerSchema>;
