import { z } from '@hono/zod-openapi';
import {
  DateTime,
  linksById,
  MicroUsd,
  pageWithPrevious,
} from '#functions/api/http/common-schema.ts';
import { IMAGE_FORMATS } from '#shared/core/inference.ts';
import { JOB_PHASES, JOB_STATUSES, WEBHOOK_EVENTS } from '#shared/core/job.ts';
import { RecipeSchema } from '#shared/core/recipe.ts';

const ReceiptSchema = z
  .object({
    model: z.object({
      name: z.string(),
      digest: z.string(),
      recipe: RecipeSchema.optional(),
    }),
    versions: z.record(z.string(), z.string()),
    device: z.string(),
    input: z.record(z.string(), z.unknown()),
    images: z.array(
      z.object({
        index: z.number().int(),
        sha256: z.string(),
        pixels_sha256: z.string(),
        delivered_sha256: z.string().optional(),
        bytes: z.number().int(),
        width: z.number().int(),
        height: z.number().int(),
        seed: z.number().int(),
        format: z.enum(IMAGE_FORMATS),
        signature: z.string().optional().describe('What /v1/images/verify knows the image by'),
      }),
    ),
  })
  .openapi('Receipt');

export const PredictionSchema = z
  .object({
    id: z.string(),
    model: z.string(),
    version: z.string().describe('Digest of the model package'),
    status: z.enum(JOB_STATUSES),
    input: z.record(z.string(), z.unknown()).nullable().readonly(),
    output: z.array(z.string()).nullable().describe('URLs that authorise themselves for a while'),
    output_expires_at: DateTime.optional(),
    error: z.string().nullable(),
    error_code: z.string().optional(),
    logs: z.string(),
    warnings: z.array(z.string()).readonly(),
    blocked: z
      .array(z.object({ index: z.number().int(), reason: z.string() }))
      .optional()
      .describe('Images that were made and not handed out; they are not charged'),
    source: z.literal('api'),
    data_removed: z.boolean(),
    preview: z.boolean().optional().describe('True for a preview; absent otherwise'),
    created_at: DateTime,
    started_at: DateTime.nullable(),
    completed_at: DateTime.nullable(),
    deadline: DateTime,
    metrics: z.record(z.string(), z.number()),
    phase: z.enum(JOB_PHASES).optional(),
    queue_position: z.number().int().nullable().optional(),
    eta_seconds: z.number().int().optional(),
    seed: z.number().int().nullable(),
    cost: MicroUsd.nullable().describe('What was charged, once the prediction has ended'),
    price: MicroUsd.describe('The most that it can cost'),
    price_version: z.string(),
    // As a union: `nullable` would make the component itself nullable wherever it stands.
    receipt: z.union([ReceiptSchema, z.null()]),
    metadata: z.record(z.string(), z.string()).readonly(),
    urls: z.object({
      get: z.string(),
      cancel: z.string(),
      web: z.string(),
      stream: z.string().optional(),
    }),
    webhook: z.string().optional(),
    webhook_events_filter: z.array(z.enum(WEBHOOK_EVENTS)).readonly().optional(),
  })
  .openapi('Prediction');
export type Prediction = z.output<typeof PredictionSchema>;

const MAX_TAGS = 16;

const TagsSchema = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'A name has 1 to 64 letters, digits, "_", "." or "-"'),
    z.string().max(256),
  )
  .refine((tags) => Object.keys(tags).length <= MAX_TAGS, `has more than ${MAX_TAGS} names`)
  .describe('Names and values of your own, for lists and usage');

/** What every create takes besides `input`; unknown members are ignored, as clients add their own. */
export const CreatePredictionSchema = z
  .object({
    input: z.record(z.string(), z.unknown()).describe('See the model’s openapi_schema'),
    version: z
      .string()
      .max(200)
      .optional()
      .describe('A model’s version, owner/name or owner/name:version'),
    model: z.string().max(200).optional().describe('owner/name, where there is no version'),
    webhook: z.string().max(2048).nullish(),
    webhook_events_filter: z.array(z.enum(WEBHOOK_EVENTS)).nullish(),
    stream: z.boolean().nullish(),
    preview: z
      .boolean()
      .nullish()
      .describe(
        'Made to look at while one types: priced like any other, in no list, without webhooks, erased ten minutes after it has ended',
      ),
    metadata: TagsSchema.nullish(),
  })
  .openapi('CreatePrediction', {
    example: {
      input: { prompt: 'a lighthouse at dusk', seed: 7, num_outputs: 2 },
      metadata: { team: 'web' },
    },
  });
export type CreatePrediction = z.infer<typeof CreatePredictionSchema>;

export const PredictionPageSchema = pageWithPrevious(PredictionSchema).openapi('PredictionPage');

/** What can be done with the prediction of an answer. */
export const PREDICTION_LINKS = linksById(
  'getPrediction',
  'cancelPrediction',
  'erasePrediction',
  'replayPrediction',
  'listPredictionWebhooks',
);
