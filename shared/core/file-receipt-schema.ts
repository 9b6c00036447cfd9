import { z } from 'zod';

const Sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits');

/** The receipt as it is inside a file (XMP, `onestep:receipt`), perhaps with its signature beside it. */
export const FileReceiptSchema = z.object({
  engine: z.string(),
  model: z.object({ name: z.string(), digest: z.string() }),
  prompt: z.string(),
  seed: z.number().int(),
  width: z.number().int(),
  height: z.number().int(),
  format: z.string(),
  quality: z.number(),
  decoder: z.literal('draft').optional(),
  pixels_sha256: Sha256Schema,
  delivered_sha256: Sha256Schema.optional(),
  signature: z.string().optional(),
});
