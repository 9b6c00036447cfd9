import { delimiter } from 'node:path';
import { z } from 'zod';
import {
  type Environment,
  numberVariable,
  parseEnvironment,
} from '#shared/adapters/aws/environment.ts';
import { ORDER_FLOW } from '#shared/core/order-flow.ts';

const Flag = z
  .enum(['0', '1'])
  .default('0')
  .transform((text) => text === '1');

const GpuEnvSchema = z.object({
  /** Model packages, joined as in PATH. They are loaded when they are first ordered. */
  MODEL_FOLDERS: z
    .string()
    .default('/opt/ml/model')
    .transform((text) => text.split(delimiter).filter((folder) => folder !== '')),
  /** Where `file` stores write; requests for one are refused without it. */
  DATA_FOLDER: z.string().min(1).optional(),
  /** The only bucket that `s3` stores may name; requests for one are refused without it. */
  OUTPUT_BUCKET_NAME: z.string().min(3).optional(),
  AWS_REGION: z.string().min(1).optional(),
  /** Where the one model's package is copied from at start; absent: it is there. */
  PACKAGE_BUCKET_NAME: z.string().min(3).optional(),
  PACKAGE_PREFIX: z.string().endsWith('/').optional(),
  /** The secret that images are marked with, unless a task brings its own; random where there is none. */
  RECEIPT_SECRET_ARN: z.string().min(1).optional(),
  /** A stand-in for S3; AWS itself where there is none. */
  S3_ENDPOINT: z.url().optional(),
  HOST: z.string().min(1).default('0.0.0.0'),
  /** 0 takes any free port. */
  PORT: numberVariable(8080, { min: 0, max: 65_535 }),
  DEVICE: z.enum(['cuda', 'cpu']).default('cuda'),
  /** Whether to run on the CPU when there is no CUDA device; a refusal otherwise. */
  ALLOW_CPU: Flag,
  /** Threads of one operator on the CPU; 0 takes one per processor. */
  THREADS: numberVariable(0, { min: 0, max: 1024 }),
  /** Tasks that are worked on at one time: one draws, the others are stored or get ready. */
  IN_FLIGHT: numberVariable(ORDER_FLOW.inFlight, { min: 1, max: 64 }),
  /** Tasks that may wait behind those; further ones are turned away. */
  MAX_WAITING: numberVariable(16, { min: 0, max: 10_000 }),
  /** How long a running task may still take once the function has to end. */
  DRAIN_SECONDS: numberVariable(25, { min: 0, max: 3600 }),
  /**
   * Looks at each image before it is stored: the address of a classifier, or the path of a module that
   * exports `checkImage`. No check where there is none.
   */
  IMAGE_CHECK: z.string().min(1).optional(),
  /** What lines of failed tasks carry, so that a new version's are told from an old one's. */
  RELEASE: z.string().min(1).optional(),
  /** Whether pixels are marked; off, the operator answers for what the law asks. */
  WATERMARK: z
    .enum(['0', '1'])
    .default('1')
    .transform((text) => text === '1'),
  /** PEM files of the C2PA key and of its certificates; self-made ones where there are none. */
  C2PA_KEY_FILE: z.string().min(1).optional(),
  C2PA_CHAIN_FILE: z.string().min(1).optional(),
  /** ARN of a key of AWS KMS that signs instead of a key file. */
  C2PA_KMS_KEY: z.string().startsWith('arn:').optional(),
  /** A time stamp authority (RFC 3161) for the signatures; no time stamps without one. */
  C2PA_TIME_STAMP_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** End when standard input ends: it is a pipe from the process that started this one. */
  END_WITH_STDIN: Flag,
});

export type GpuEnv = z.input<typeof GpuEnvSchema>;
export type GpuConfig = Readonly<z.infer<typeof GpuEnvSchema>>;

/**
 * Reads the environment and the words after the program's name (`serve --allow-cpu`).
 *
 * @throws AppError `invalid-request` that lists every fault at once
 */
export function loadGpuConfig(environment: Environment, words: readonly string[]): GpuConfig {
  const allowed = words.includes('--allow-cpu') ? { ALLOW_CPU: '1' } : {};
  return parseEnvironment('gpu', GpuEnvSchema, { ...environment, ...allowed });
}
