import { z } from 'zod';
import { RecipeSchema } from './recipe.ts';

/**
 * The contract between the service and the GPU function that makes the images: one source for
 * both sides (the inference request, the receipt that answers it, and the error body).
 */

export const IMAGE_FORMATS = ['png', 'jpeg', 'webp'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];
/** The media type of each format. */
export const MEDIA_TYPES = { png: 'image/png', jpeg: 'image/jpeg', webp: 'image/webp' } as const;

/** A torch generator's seed: the low 32 bits are what the noise is made from. */
export const SeedSchema = z.number().int().min(0).max(0xffff_ffff);

/** A seed as clients ask for it: -1 draws one, as leaving it out does. */
export const SeedWishSchema = z.number().int().min(-1).max(0xffff_ffff);

/** Where the GPU function writes images: a folder on its own disk, or a prefix of a bucket. */
const StoreSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('file'), prefix: z.string().min(1) }),
  z.strictObject({ kind: z.literal('s3'), bucket: z.string().min(3), prefix: z.string().min(1) }),
]);

export const InferenceRequestSchema = z.strictObject({
  /** The job's id; also the idempotency key of its output objects. */
  job: z.string().min(1).max(64),
  /** The model's name and the digest of its package; a mismatch is refused. */
  model: z.strictObject({ name: z.string(), digest: z.string().optional() }),
  prompt: z.string().max(10_000),
  seed: SeedSchema,
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  num_outputs: z.number().int().min(1).max(16),
  output_format: z.enum(IMAGE_FORMATS),
  /** By the package's smaller decoder; absent for its own. */
  decoder: z.literal('draft').optional(),
  /** 1–100 for jpeg and webp; png is lossless and ignores it. */
  output_quality: z.number().int().min(1).max(100),
  store: StoreSchema,
  /** Milliseconds since the Unix epoch; work past it is stopped and leaves nothing behind. */
  deadline: z.number().int().positive(),
  /** A job that has not been taken up by then is not: it ends as a canceled one does. */
  begin_by: z.number().int().positive().optional(),
  /** Key that signs the receipt embedded in each image (base64, 32 bytes), where there is one. */
  signing_key: z.string().optional(),
  /** The W3C trace that the order is a part of, for logs. */
  traceparent: z.string().max(55).optional(),
});
export type InferenceRequest = z.infer<typeof InferenceRequestSchema>;

const ImageRecordSchema = z.object({
  index: z.number().int().min(0),
  /** The object's key in the store, relative to the store's root. */
  key: z.string(),
  /** SHA-256 of the encoded file, hex. */
  sha256: z.string(),
  /** SHA-256 of the raw uint8 RGB pixels, row by row, hex. */
  pixels_sha256: z.string(),
  /** SHA-256 of the pixels that the file decodes to, watermark included; absent in older receipts. */
  delivered_sha256: z.string().optional(),
  bytes: z.number().int().positive(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  seed: SeedSchema,
  format: z.enum(IMAGE_FORMATS),
});
export type ImageRecord = z.infer<typeof ImageRecordSchema>;

/** An image that was made but not stored, since it must not be handed out. */
const BlockedImageSchema = z.object({
  index: z.number().int().min(0),
  /** Shown to the customer. */
  reason: z.string(),
});
export type BlockedImage = z.infer<typeof BlockedImageSchema>;

export const ReceiptSchema = z.object({
  job: z.string(),
  images: z.array(ImageRecordSchema),
  /** Wall-clock milliseconds of each stage, summed over the job's images. */
  ms: z.object({
    load: z.number(),
    text: z.number(),
    unet: z.number(),
    vae: z.number(),
    encode: z.number(),
    upload: z.number(),
  }),
  model: z.object({
    name: z.string(),
    digest: z.string(),
    /** How the model makes an image; absent from receipts before recipes. */
    recipe: RecipeSchema.optional(),
  }),
  /** Versions that the pixels depend on, such as `onestep` and `onnxruntime`. */
  versions: z.record(z.string(), z.string()),
  /** `cpu` or `cuda`, with the processor's name where it is known. */
  device: z.string(),
  /** The decoder, unless it was the model's own. */
  decoder: z.literal('draft').optional(),
  warnings: z.array(z.string()),
  /** Images of the job that are missing from `images` because a check refused them. */
  blocked: z.array(BlockedImageSchema).optional(),
});
export type Receipt = z.infer<typeof ReceiptSchema>;

/** Codes that the GPU function answers with; all are in the table of `errors.ts`. */
export const INFERENCE_ERROR_CODES = [
  'invalid-input',
  'model-error',
  'model-loading',
  'out-of-memory',
  'deadline-exceeded',
  'canceled',
  'unavailable',
] as const;

export const InferenceErrorSchema = z.object({
  error: z.object({
    code: z.enum(INFERENCE_ERROR_CODES),
    message: z.string(),
    retryable: z.boolean(),
    /** Images finished and stored before the job ended early (cancelled between two images). */
    images: z.array(ImageRecordSchema).optional(),
  }),
});
export type InferenceError = z.infer<typeof InferenceErrorSchema>;
