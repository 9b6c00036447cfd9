import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '#shared/core/errors.ts';
import { DeployedX402Schema } from '#shared/core/x402-settings.ts';
import { createBlockList } from '#shared/service/domain/block-list.ts';
import { ModelSettingsSchema } from './model-settings.ts';

/**
 * Settings of a deployment: the keys `onestep:…` of the CDK context. They come from cdk.json, from
 * cdk.context.json (what `onestep push` and `onestep deploy` found out) and from `-c key=value`; the
 * last wins. A key for one stage, `onestep:prod:monthlyBudgetUsd`, goes before one for all. Values from
 * the command line are text, so numbers and lists are accepted as text too.
 */

/** The image digest of a deployment that has no image yet; the gpu stack refuses to deploy with it. */
export const NO_IMAGE = `sha256:${'0'.repeat(64)}`;

/** A function's environment ends at 4 KB, and holds more than this list. */
const MAX_BLOCK_LIST = 2048;

/** Hours in a day that each instance may run before the kill switch acts. */
const HOURS_OF_AN_INSTANCE = 12;

/**
 * The regions that have every type of resource that the stacks are made of, by CloudFormation's own
 * registry: elsewhere budgets, function URLs or endpoints are missing, and the last stacks would fail.
 */
export const REGIONS = [
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'ca-central-1',
  'eu-central-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
] as const;

const PREFIX = 'onestep:';

const Json = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => {
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  }, schema);

const SettingsSchema = z.strictObject({
  /** `prod` keeps data when stacks are deleted, and refuses to delete them. */
  stage: z.enum(['dev', 'prod']).default('dev'),
  /** Where everything runs but the edge function, WAF and certificate (us-east-1). */
  region: z.enum(REGIONS).default('us-east-1'),
  /** Values of the tags `owner` and `cost-center`. */
  owner: z.string().min(1).default('onestep'),
  costCenter: z.string().min(1).default('onestep'),
  /** One endpoint each. */
  models: Json(
    z
      .array(ModelSettingsSchema)
      .min(1)
      .refine((models) => new Set(models.map((model) => model.name)).size === models.length, {
        error: 'two models have one name',
      }),
  ),
  /** The model of the hub that `onestep deploy` has been asked for and has not imported yet. */
  importing: z.string().min(3).max(300).optional(),
  /** Names of other services' models that clients have built in, for models here. */
  aliases: Json(z.record(z.string().min(1).max(200), z.string().min(3))).optional(),
  /** Digest of the GPU function's image in the deployment's own repository. */
  imageDigest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .default(NO_IMAGE),
  /** The account whose admin keys may see to every other account; made by `onestep deploy`. */
  operatorAccount: z.string().startsWith('acc_').optional(),
  /** The deployment's own domain; without one, clients use the distribution's. */
  domainName: z.string().min(4).optional(),
  /** The Route 53 zone that holds the domain: the certificate and the record are made there. */
  hostedZoneId: z.string().min(4).optional(),
  hostedZoneName: z.string().min(3).optional(),
  /** A certificate in us-east-1 for a domain whose zone is elsewhere. */
  certificateArn: z.string().startsWith('arn:').optional(),
  /** How long images and the inputs of ended jobs are kept. */
  retentionDays: Json(z.number().int().min(1).max(365)).default(7),
  /** How long records of ended predictions and of their webhooks are kept, without input and output. */
  recordDays: Json(z.number().int().min(3).max(3650)).default(90),
  logRetentionDays: Json(
    z.union([z.literal(7), z.literal(30), z.literal(90), z.literal(365)]),
  ).default(30),
  /** The month's budget in dollars; at 100 % of actual cost the kill switch turns the GPUs off. */
  monthlyBudgetUsd: Json(z.number().int().min(1).max(1_000_000)).default(200),
  /** Whether the budget counts only what bears the tag `project=onestep` (activate that tag first). */
  budgetByTag: Json(z.boolean()).default(false),
  /**
   * `none`; the ARN of a cost anomaly monitor that is there; or `tag`: one of the tag `project`, which
   * only the management account of an organisation, or an account of its own, may make.
   */
  anomalyMonitor: z
    .union([
      z.enum(['tag', 'none']),
      z.string().regex(/^arn:aws[a-z-]*:ce::\d{12}:anomalymonitor\/.+$/),
    ])
    .default('none'),
  /**
   * Instance-hours in one day, all endpoints together, at which the kill switch acts. Half a day of
   * every instance where it is left out: see {@link dailyInstanceHours}.
   */
  dailyInstanceHours: Json(z.number().int().min(1).max(2_400)).optional(),
  /**
   * Whether functions reserve concurrency: 4 of the account's, of which Lambda keeps 100 free. New
   * accounts have 10; `onestep deploy` turns it off there.
   */
  reserveConcurrency: Json(z.boolean()).default(true),
  /** Whether endpoints scale; off for one step of a change of types, see docs/operations.md. */
  scaling: Json(z.boolean()).default(true),
  /** Who is mailed when an alarm goes off. */
  alarmEmail: z.email().optional(),
  /** Most jobs that wait at one time. */
  queueLimit: Json(z.number().int().min(1).max(1_000_000)).default(20_000),
  accountQueueLimit: Json(z.number().int().min(1).max(1_000_000)).default(5_000),
  /** Running jobs of an account that may be stopped in an hour. */
  runningCancelsPerHour: Json(z.number().int().min(0).max(1_000_000)).default(20),
  /** Requests from one address, and with one API key, in five minutes. */
  rateLimitPerIp: Json(z.number().int().min(10).max(2_000_000)).default(2_000),
  rateLimitPerKey: Json(z.number().int().min(10).max(2_000_000)).default(3_000),
  /** Whether the firewall and the dashboard are there: $13 of what dev costs at rest. prod has both. */
  firewall: Json(z.boolean()).default(true),
  dashboard: Json(z.boolean()).default(true),
  /** Terms that prompts may not have; words, phrases, or regular expressions as `/…/`. */
  blockList: Json(z.array(z.string().min(1)))
    .refine((terms) => JSON.stringify(terms).length <= MAX_BLOCK_LIST, {
      error: `is longer than ${MAX_BLOCK_LIST} characters`,
    })
    .superRefine(assertTerms)
    .optional(),
  /** Looks at images before they are stored: a classifier's address, or a module in the image. */
  imageCheck: z.string().min(1).optional(),
  /** Whether pixels carry a watermark. Off, the operator answers for what the law asks. */
  watermark: Json(z.boolean()).default(true),
  /** A P-256 key, as a PEM file in the image or in AWS KMS, and its certificates. @default self-made */
  c2pa: Json(
    z
      .strictObject({
        key: z.string().min(1).optional(),
        /** ARN of a key of the spec ECC_NIST_P256, in place of `key`. */
        kmsKey: z
          .string()
          .regex(
            /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[a-z0-9-]+$/,
            'must be the ARN of a key',
          )
          .optional(),
        chain: z.string().min(1).optional(),
        /** A time stamp authority (RFC 3161). */
        timeStampUrl: z.url({ protocol: /^https?$/ }).optional(),
      })
      .refine(
        ({ key, kmsKey, chain }) => [key, kmsKey].filter(Boolean).length === (chain ? 1 : 0),
        {
          error: 'chain comes together with key or kmsKey',
        },
      ),
  ).optional(),
  /** Orders without an account, paid for with x402. Off unless given; see docs/payments.md. */
  x402: Json(DeployedX402Schema).optional(),
  /** Requests of one address without credentials that would order, in five minutes. */
  rateLimitUnpaid: Json(z.number().int().min(10).max(2_000_000)).default(200),
  /** Where an account without credit is sent. */
  topupUrl: z.url().optional(),
  /** A secret with `{"secretKey": "…", "webhookSecret": "…"}`: credit is sold by Stripe. */
  stripeSecretArn: z
    .string()
    .regex(
      /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+-[A-Za-z0-9]{6}$/,
      'must be the whole ARN of a secret, its last six characters included',
    )
    .optional(),
});
export type DeploymentSettings = Readonly<z.infer<typeof SettingsSchema>>;

/** Instance-hours of all models in a day at which the kill switch acts. */
export function dailyInstanceHours(settings: DeploymentSettings): number {
  const most = settings.models.reduce((sum, { maxInstances }) => sum + maxInstances, 0);
  return settings.dailyInstanceHours ?? HOURS_OF_AN_INSTANCE * most;
}

/** A term that does not work would end every order with a 500. */
function assertTerms(terms: readonly string[], context: z.RefinementCtx): void {
  try {
    createBlockList(terms);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
  }
}

/**
 * Reads the settings from a CDK context.
 * @param context every key of the context; those without `onestep:` are not looked at
 * @throws AppError `invalid-request` that names each wrong key
 */
export function parseSettings(context: Readonly<Record<string, unknown>>): DeploymentSettings {
  const stage = String(context[`${PREFIX}stage`] ?? 'dev');
  const own = ownKeys(context);
  const common = own.filter(([key]) => !key.includes(':'));
  const staged = own
    .filter(([key]) => key.startsWith(`${stage}:`))
    .map(([key, value]) => [key.slice(stage.length + 1), value]);
  const result = SettingsSchema.safeParse(Object.fromEntries([...common, ...staged]));
  if (!result.success) {
    const faults = result.error.issues.map(
      (issue) => `${PREFIX}${issue.path.join('.')}: ${issue.message}`,
    );
    throw new AppError('invalid-request', `The CDK context is wrong. ${faults.join('; ')}.`);
  }
  const { domainName, hostedZoneId, hostedZoneName, certificateArn } = result.data;
  if (result.data.stage === 'prod' && !(result.data.firewall && result.data.dashboard)) {
    throw new AppError(
      'invalid-request',
      'onestep:firewall and onestep:dashboard can be false in dev only.',
    );
  }
  if ((hostedZoneId === undefined) !== (hostedZoneName === undefined)) {
    throw new AppError(
      'invalid-request',
      'onestep:hostedZoneId and onestep:hostedZoneName come together.',
    );
  }
  if (domainName !== undefined && hostedZoneId === undefined && certificateArn === undefined) {
    throw new AppError(
      'invalid-request',
      'onestep:domainName needs a certificate: set onestep:hostedZoneId and onestep:hostedZoneName, or onestep:certificateArn.',
    );
  }
  return Object.freeze(result.data);
}

function ownKeys(context: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(context)
    .filter(([key, value]) => key.startsWith(PREFIX) && value !== undefined && value !== '')
    .map(([key, value]) => [key.slice(PREFIX.length), value]);
}

/**
 * The settings as the CDK command line sees them for this project folder.
 * @param overrides what `-c` says, such as `{ stage: 'prod' }`
 */
export function loadSettings(
  projectFolder: string,
  overrides: Readonly<Record<string, unknown>> = {},
): DeploymentSettings {
  const cdkJson = readContext(join(projectFolder, 'cdk.json')) as { context?: object } | undefined;
  if (cdkJson === undefined) {
    throw new AppError(
      'file-not-found',
      `${projectFolder} has no cdk.json. Run this in the project's folder.`,
    );
  }
  const prefixed = Object.fromEntries(
    Object.entries(overrides).map(([key, value]) => [`${PREFIX}${key}`, value]),
  );
  return parseSettings({
    ...readContext(join(projectFolder, 'cdk.context.json')),
    ...cdkJson.context,
    ...prefixed,
  });
}

function readContext(path: string): Record<string, unknown> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('invalid-file', `${path} is not valid JSON.`, { cause });
  }
}
