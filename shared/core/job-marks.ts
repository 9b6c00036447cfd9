import { z } from 'zod';
import type { JobId } from './ids.ts';
import { JOB_PHASES } from './job.ts';

/**
 * Small objects beside a job's images through which the GPU function and the rest of the system talk
 * when nothing else connects them: the endpoint does not report when it begins and can't be stopped.
 */
export const jobMarks = {
  /** Written once, when the GPU function starts the job. Body: {@link StartedMarkSchema}. */
  started: (job: JobId | string) => `jobs/${job}/started`,
  /** Rewritten as the job progresses. Body: {@link PhaseMarkSchema}. */
  phase: (job: JobId | string) => `jobs/${job}/phase`,
  /** Its presence means stop: looked for before the first image and between two. */
  cancel: (job: JobId | string) => `jobs/${job}/cancel`,
} as const;

export const StartedMarkSchema = z.object({
  /** Milliseconds since the Unix epoch. */
  started_at: z.number().int().positive(),
});

export const PhaseMarkSchema = z.object({
  phase: z.enum(JOB_PHASES),
  images_done: z.number().int().min(0),
});
