import { z } from 'zod';
import {
  type Environment,
  numberVariable,
  parseEnvironment,
} from '#shared/adapters/aws/environment.ts';

const WebhooksEnvSchema = z.object({
  /** Set by Lambda itself. */
  AWS_REGION: z.string().min(1),
  TABLE_NAME: z.string().min(3),
  OUTPUT_BUCKET_NAME: z.string().min(3),
  /** The secret that the receipts in payloads are signed with. */
  RECEIPT_SECRET_ARN: z.string().min(1),
  /** Where clients reach the API: payloads name predictions by it. */
  PUBLIC_URL: z.url(),
  /** How long what a webhook went through is kept. */
  RECORD_DAYS: numberVariable(90, { min: 3, max: 3650 }),
  /** The longest that one receiver may take. */
  TIMEOUT_SECONDS: numberVariable(15, { min: 1, max: 30 }),
});

export type WebhooksEnv = z.input<typeof WebhooksEnvSchema>;
export type WebhooksConfig = Readonly<z.infer<typeof WebhooksEnvSchema>>;

/** Reads the environment; reports every fault at once. */
export function loadWebhooksConfig(environment: Environment): WebhooksConfig {
  return parseEnvironment('webhooks', WebhooksEnvSchema, environment);
}
