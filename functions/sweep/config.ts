import { z } from 'zod';
import {
  type Environment,
  ModelsVariable,
  numberVariable,
  parseEnvironment,
} from '#shared/adapters/aws/environment.ts';
import { X402_VARIABLES } from '#shared/adapters/x402/deployed-x402.ts';

const SweepEnvSchema = z.object({
  /** Set by Lambda itself. */
  AWS_REGION: z.string().min(1),
  TABLE_NAME: z.string().min(3),
  OUTPUT_BUCKET_NAME: z.string().min(3),
  MODELS: ModelsVariable,
  /** The variant of the endpoints whose instances are looked after; absent: they do not scale. */
  SCALED_VARIANT: z.string().min(1).optional(),
  /** Wakes the dispatcher. */
  DISPATCH_QUEUE_URL: z.url(),
  /** Carries the ids of due webhooks. */
  WEBHOOK_QUEUE_URL: z.url(),
  /** Running jobs of an account that may be stopped in an hour; past that they are finished and captured. */
  RUNNING_CANCELS_PER_HOUR: numberVariable(20, { min: 0, max: 1_000_000 }),
  /** How long outputs and inputs of ended jobs are kept. */
  RETENTION_HOURS: numberVariable(24 * 7, { min: 1, max: 24 * 365 }),
  /** How long their records are kept. */
  RECORD_DAYS: numberVariable(90, { min: 3, max: 3650 }),
  ...X402_VARIABLES,
});

export type SweepEnv = z.input<typeof SweepEnvSchema>;
export type SweepConfig = Readonly<z.infer<typeof SweepEnvSchema>>;

/** Reads the environment; reports every fault at once. */
export function loadSweepConfig(environment: Environment): SweepConfig {
  return parseEnvironment('sweep', SweepEnvSchema, environment);
}
