import { z } from 'zod';
import {
  type Environment,
  JsonVariable,
  ModelsVariable,
  numberVariable,
  parseEnvironment,
} from '#shared/adapters/aws/environment.ts';
import { X402_VARIABLES } from '#shared/adapters/x402/deployed-x402.ts';

const BlockListVariable = JsonVariable.pipe(z.array(z.string().min(1)));
const AliasesVariable = JsonVariable.pipe(z.record(z.string().min(1), z.string().min(1)));

const ApiEnvSchema = z.object({
  /** Set by Lambda itself. */
  AWS_REGION: z.string().min(1),
  TABLE_NAME: z.string().min(3),
  OUTPUT_BUCKET_NAME: z.string().min(3),
  /** The bucket of model packages: `models/<digest>/manifest.json` is read at start. */
  MODEL_BUCKET_NAME: z.string().min(3),
  MODELS: ModelsVariable,
  /** The variant of the endpoints whose instances are looked after; absent: they do not scale. */
  SCALED_VARIANT: z.string().min(1).optional(),
  /** Wakes the dispatcher after a create. */
  DISPATCH_QUEUE_URL: z.url(),
  /** Carries the ids of due webhooks. */
  WEBHOOK_QUEUE_URL: z.url(),
  /** The secret that API keys' MACs are made with: new keys are made here. */
  MAC_SECRET_ARN: z.string().min(1),
  /** The secret that receipts are signed with. */
  RECEIPT_SECRET_ARN: z.string().min(1),
  /** The secret with Stripe's keys; absent: no credit is sold by card. */
  STRIPE_SECRET_ARN: z.string().min(1).optional(),
  /** The function that reads images which are to be verified. */
  INSPECT_FUNCTION: z.string().min(1),
  /** The most jobs that may wait at one time; further ones are answered with 429. */
  QUEUE_LIMIT: numberVariable(20_000, { min: 1, max: 1_000_000 }),
  ACCOUNT_QUEUE_LIMIT: numberVariable(5_000, { min: 1, max: 1_000_000 }),
  /** Running jobs of an account that may be stopped in an hour; past that they are finished and captured. */
  RUNNING_CANCELS_PER_HOUR: numberVariable(20, { min: 0, max: 1_000_000 }),
  /** How long outputs and inputs of ended jobs are kept. */
  RETENTION_HOURS: numberVariable(24 * 7, { min: 1, max: 24 * 365 }),
  /** How long their records are kept. */
  RECORD_DAYS: numberVariable(90, { min: 3, max: 3650 }),
  /** From admission to the latest end of a job, cold start included. */
  JOB_DEADLINE_SECONDS: numberVariable(3_600, { min: 120, max: 21_600 }),
  /** Where an account without credit is sent. */
  TOPUP_URL: z.url().optional(),
  /** The account whose admin keys may grant credit and manage other accounts. */
  OPERATOR_ACCOUNT: z.string().min(1).optional(),
  /** Names of other services' models, for models here: `{"gpt-image-1": "owner/name"}`. */
  ALIASES: AliasesVariable.optional(),
  /** Terms that prompts may not contain, as a JSON array; Lambda's environment is limited to 4 KB. */
  BLOCK_LIST: BlockListVariable.optional(),
  ...X402_VARIABLES,
  /** `1` answers every create with 503: the kill switch. */
  PAUSED: z.enum(['0', '1']).optional(),
});

export type ApiEnv = z.input<typeof ApiEnvSchema>;
export type ApiConfig = Readonly<z.infer<typeof ApiEnvSchema>>;

/** Reads the environment; reports every fault at once. */
export function loadApiConfig(environment: Environment): ApiConfig {
  return parseEnvironment('api', ApiEnvSchema, environment);
}
