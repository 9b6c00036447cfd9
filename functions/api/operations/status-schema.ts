import { z } from '@hono/zod-openapi';
import { DateTime, MicroUsd } from '#functions/api/http/common-schema.ts';
import { JOB_PHASES } from '#shared/core/job.ts';

/** How many jobs' stages are averaged, and how many failures are listed. */
export const SAMPLES = 20;
export const FAILURES = 5;

const count = z.number().int();
const SumsSchema = z.object({
  charged: count.describe('Jobs that were charged'),
  released: count.describe('Jobs that cost nothing: failed, or cancelled before an image'),
  images: count,
  amount: MicroUsd,
});

export const StatusSchema = z
  .object({
    at: DateTime,
    waiting: count.describe('Open jobs that wait for their turn'),
    running: count.nullable().describe('Jobs that the GPU function is running'),
    balance: MicroUsd.describe('What all accounts can spend'),
    held: MicroUsd.describe('What open jobs may still cost'),
    models: z.array(
      z.object({
        name: z.string(),
        phase: z.enum(JOB_PHASES).describe('What a prediction created now would be waiting for'),
        eta_seconds: count,
        running: count.nullable(),
      }),
    ),
    last_minute: SumsSchema,
    today: SumsSchema.describe('Since midnight, UTC'),
    stage_ms: z
      .record(z.string(), z.number())
      .describe(`Mean milliseconds of each stage, of the last ${SAMPLES} jobs at most`),
    failures: z
      .array(
        z.object({
          id: z.string(),
          at: DateTime,
          model: z.string(),
          code: z.string(),
          message: z.string(),
        }),
      )
      .describe('The latest of the last ten minutes'),
  })
  .openapi('Status');
export type Status = z.infer<typeof StatusSchema>;
