import { z } from '@hono/zod-openapi';
import { FileReceiptSchema } from '#shared/core/file-receipt-schema.ts';
import { IMAGE_FORMATS } from '#shared/core/inference.ts';
import { VERDICTS } from '#shared/provenance/verify/verdicts.ts';

const Sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits');
const ModelSchema = z.object({ name: z.string(), digest: z.string() });

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
        delivered_sha256: Sha256Schema.optional(),
        signature: z.string().optional(),
      }),
    ),
  })
  .openapi('PredictionReceipt');

export const VerifyRequestSchema = z
  .strictObject({
    receipt: z
      .union([
        z.string().max(60_000),
        z.object(FileReceiptSchema.shape).openapi('FileReceipt'),
        PredictionReceiptSchema,
      ])
      .describe('The receipt inside the file, as text or as JSON, or the receipt of a prediction'),
    signature: z
      .string()
      .max(200)
      .optional()
      .describe('The signature inside the file (XMP, onestep:signature)'),
    pixels_sha256: Sha256Schema.describe('SHA-256 of the uint8 RGB pixels, row by row'),
    watermark: z
      .string()
      .regex(/^[0-9a-f]{12}$/)
      .optional()
      .describe('The 6 bytes of the watermark, where one was found, hex'),
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
    verdict: z
      .enum(VERDICTS)
      .describe(
        'What is known of the image: it is signed and whole, signed and changed since, ours by its receipt, or bears a watermark only',
      ),
    made_here: z
      .boolean()
      .describe(
        'This deployment signed the receipt, which names the digest of exactly these pixels',
      ),
    reason: z
      .enum(['unsigned', 'unknown-signature', 'other-pixels', 'unreadable'])
      .nullable()
      .describe('Why the receipt does not show that'),
    model: ModelSchema.nullable(),
    seed: z.number().int().nullable(),
    manifest: z
      .object({
        whole: z.boolean(),
        trusted: z.boolean(),
        signer: z.string().nullable(),
        problems: z.array(z.string()).readonly(),
        machine_made: z.boolean(),
      })
      .nullable()
      .describe("The file's C2PA manifest; null where there is none, or no file was sent"),
    watermark: z
      .object({ ours: z.boolean(), fits_receipt: z.boolean().nullable() })
      .nullable()
      .describe('The watermark, and whether it is this deployment’s and this receipt’s'),
  })
  .openapi('VerifyAnswer');
export type VerifyAnswer = z.infer<typeof VerifyAnswerSchema>;
