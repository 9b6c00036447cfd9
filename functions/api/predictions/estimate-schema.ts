import { z } from '@hono/zod-openapi';
import { MicroUsd } from '#functions/api/http/common-schema.ts';
import { JOB_PHASES } from '#shared/core/job.ts';

export const EstimateOrderSchema = z
  .object({
    input: z.record(z.string(), z.unknown()).describe('As for a prediction'),
    model: z.string().max(200).optional().describe('owner/name. Default: the first model'),
    version: z.string().max(200).optional(),
  })
  .openapi('EstimateOrder', {
    example: { input: { prompt: 'a lighthouse at dusk', num_outputs: 2 } },
  });

export const EstimateSchema = z
  .object({
    model: z.string(),
    images: z.number().int(),
    width: z.number().int(),
    height: z.number().int(),
    price: MicroUsd.describe('The most that it will cost, in millionths of a US dollar'),
    price_per_image: MicroUsd,
    price_version: z.string(),
    balance: MicroUsd,
    affordable: z.boolean(),
    phase: z.enum(JOB_PHASES).describe('What a prediction created now would be waiting for'),
    jobs_ahead: z.number().int(),
    eta_seconds: z.number().int().describe('Expected time to the images'),
  })
  .openapi('Estimate');
