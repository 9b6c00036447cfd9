import { z } from 'zod';
import { type Environment, parseEnvironment } from '#shared/adapters/aws/environment.ts';

const CompleteEnvSchema = z.object({
  /** Set by Lambda itself. */
  AWS_REGION: z.string().min(1),
  TABLE_NAME: z.string().min(3),
  OUTPUT_BUCKET_NAME: z.string().min(3),
  /** Wakes the dispatcher: an ended job leaves room for another. */
  DISPATCH_QUEUE_URL: z.url(),
  /** Carries the ids of due webhooks. */
  WEBHOOK_QUEUE_URL: z.url(),
});

export type CompleteEnv = z.input<typeof CompleteEnvSchema>;
export type CompleteConfig = Readonly<z.infer<typeof CompleteEnvSchema>>;

/** Reads the environment; reports every fault at once. */
export function loadCompleteConfig(environment: Environment): CompleteConfig {
  return parseEnvironment('complete', CompleteEnvSchema, environment);
}
