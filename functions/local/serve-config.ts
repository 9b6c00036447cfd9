import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { readX402Environment } from '#shared/adapters/x402/x402-environment.ts';
import { X402SettingsSchema } from '#shared/core/x402-settings.ts';
import { AppError } from '#shared/core/errors.ts';
import { MOST_CREDIT } from '#shared/core/money.ts';
import { PriceBookSchema } from '#shared/service/domain/pricing.ts';
import { isNetwork } from './proxy-origin.ts';

const ModelName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]*\/[a-z0-9][a-z0-9._-]*$/, 'must be owner/name');

const ModelSchema = z
  .strictObject({
    /** `owner/name`, as clients order it. */
    name: ModelName,
    /** The folder of the model package; `onestep/demo` needs none. */
    package: z.string().min(1).optional(),
    description: z.string().max(500).optional(),
    /** Micro-USD for an image of the model's own size; larger ones cost half as much again. */
    price: z.number().int().min(0).max(1_000_000_000).optional(),
  })
  .refine((model) => model.package !== undefined || model.name === 'onestep/demo', {
    message: 'is missing: the folder of a model package',
    path: ['package'],
  });

/** What a file may say of a setting as a value and the environment as text. */
const whole = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  const text = z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number);
  return z
    .union([z.number(), text], { error })
    .pipe(z.number().int(error).min(min, error).max(max, error));
};
const flag = z.union(
  [
    z.boolean(),
    z.enum(['0', '1', 'true', 'false']).transform((text) => text === '1' || text === 'true'),
  ],
  { error: 'must be true or false' },
);
const webAddress = z.url({
  protocol: /^https?$/,
  error: 'must be an address such as https://images.example.com',
});
const oneOf = <const Words extends readonly [string, ...string[]]>(...words: Words) =>
  z.enum(words, { error: `must be one of ${words.join(', ')}` });

const ServeSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  port: whole(0, 65_535).default(8787),
  /** The folder of everything that the server keeps. */
  data: z.string().min(1).default('./.onestep'),
  /** What clients call the server, where that is another name than the request's own. */
  publicUrl: webAddress.optional(),
  /**
   * Addresses and networks of reverse proxies whose X-Forwarded headers count; those of this machine's own
   * always do. In the environment separated by commas.
   */
  trustedProxies: z
    .union([z.array(z.string()), z.string().transform((text) => text.split(/\s*,\s*/))])
    .pipe(z.array(z.string().refine(isNetwork, { error: 'must be an address or a network' })))
    .default([]),
  topupUrl: webAddress.optional(),
  /** Model packages; the demo model and those under `models/` in the data folder when absent. */
  models: z
    .array(ModelSchema)
    .min(1)
    .refine((models) => new Set(models.map(({ name }) => name)).size === models.length, {
      error: 'two models have one name',
    })
    .optional(),
  /** Names of other services' models that clients have built in, for models here. */
  aliases: z.record(z.string().min(1).max(200), ModelName).optional(),
  /** The model for calls that name none; default: the first. */
  defaultModel: ModelName.optional(),
  prices: PriceBookSchema.optional(),
  /** What is not made and not handed out. Off unless given. */
  safety: z
    .strictObject({
      /** A file with a term on each line, or the terms themselves; see `block-list.ts`. */
      blockList: z.union([z.string().min(1), z.array(z.string().min(1))]).optional(),
      /** The address of a classifier, or the path of a module that exports `checkImage`. */
      imageCheck: z.string().min(1).optional(),
    })
    .optional(),
  /** PEM files of a P-256 key and its certificates; self-made ones in the data folder when absent. */
  c2pa: z
    .strictObject({
      key: z.string().min(1).optional(),
      chain: z.string().min(1).optional(),
      /** A time stamp authority (RFC 3161). */
      timeStampUrl: webAddress.optional(),
    })
    .refine(({ key, chain }) => (key === undefined) === (chain === undefined), {
      error: 'key and chain come together',
    })
    .optional(),
  /** Whether pixels carry a watermark. Off, the operator answers for what the law asks. */
  watermark: flag.default(true),
  /** Orders without an account, paid for with x402. Off unless given; see docs/payments.md. */
  x402: X402SettingsSchema.optional(),
  device: oneOf('cpu', 'cuda').default('cpu'),
  /** Micro-USD that the first account starts with. */
  demoCredit: whole(0, MOST_CREDIT).default(10_000_000),
  /** Most predictions that wait at one time. */
  queueLimit: whole(1, 10_000_000).default(20_000),
  /** Most of them that may be of one account. */
  accountQueueLimit: whole(1, 10_000_000).default(5_000),
  /** Running predictions of an account that may be stopped in an hour; past that they are finished and charged. */
  runningCancelsPerHour: whole(0, 1_000_000).default(20),
  retentionHours: whole(1, 24 * 3650).default(24 * 7),
  /** How long records of ended predictions and of their webhooks are kept, without input and output. */
  recordDays: whole(1, 3650).default(90),
  jobDeadlineSeconds: whole(5, 86_400).default(3600),
  /** The longest that a create is held open; clients give up at 60. */
  maxWaitSeconds: whole(1, 55).default(55),
  attachGraceSeconds: whole(1, 3600).default(120),
  urlTtlSeconds: whole(10, 900).default(900),
  maxBodyBytes: whole(1024, 10_000_000).default(65_536),
  /** `full`: what was answered survives a power cut; `normal`: the end of the process only. */
  synchronous: oneOf('full', 'normal').default('full'),
  allowLocalWebhooks: flag.default(false),
  paused: flag.default(false),
  logLevel: oneOf('silent', 'error', 'warn', 'info', 'debug').default('warn'),
});

export type ServeConfig = Readonly<z.infer<typeof ServeSchema>>;

export const CONFIG_FILE = 'onestep.config.json';
/** Every setting by its name in the file. */
export const SETTING_NAMES = Object.keys(ServeSchema.shape);

export interface ConfigSources {
  /** Words of the command line by setting; they win over everything. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The configuration file; a file that was not asked for may be missing. */
  readonly file: string;
  readonly fileRequired: boolean;
}

/**
 * The settings of the embedded server: command line, then environment (`ONESTEP_QUEUE_LIMIT`), then
 * file (`queueLimit`), then defaults.
 *
 * @throws AppError `invalid-request` that lists every fault of every source at once
 */
export function loadServeConfig(sources: ConfigSources): ServeConfig {
  const faults: string[] = [];
  const origin = new Map<string, string>();
  const merged: Record<string, unknown> = {};
  const take = (from: string, values: Readonly<Record<string, unknown>>) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined || value === '') continue;
      merged[name] = value;
      origin.set(name, from);
    }
  };
  take(sources.file, readConfigFile(sources, faults));
  take('environment', readEnvironment(sources.env, faults));
  take('environment', { x402: withX402Variables(merged['x402'], sources.env) });
  take('command line', sources.flags);
  const parsed = ServeSchema.safeParse(merged);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) faults.push(describe(issue, origin));
  }
  if (faults.length > 0 || !parsed.success) {
    throw new AppError('invalid-request', `The settings are wrong.\n  ${faults.join('\n  ')}`);
  }
  return Object.freeze(parsed.data);
}

function describe(issue: z.core.$ZodIssue, origin: ReadonlyMap<string, string>): string {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .map((key) => [...issue.path.map(String), key])
      .map((path) => `${path.join('.')} (${origin.get(path[0] ?? '')}): there is no such setting`)
      .join('\n  ');
  }
  const [name = ''] = issue.path.map(String);
  const from = origin.get(name) ?? 'default';
  const told = from === 'environment' ? variableOf(name) : issue.path.join('.');
  return `${told} (${from}): ${issue.message}`;
}

function readConfigFile({ file, fileRequired }: ConfigSources, faults: string[]) {
  if (!fileRequired && !existsSync(file)) return {};
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
    faults.push(`${file}: must hold one JSON object`);
  } catch (error) {
    faults.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {};
}

/** Each part of `x402` has a variable of its own, such as `X402_PAY_TO`. */
function withX402Variables(x402: unknown, env: ConfigSources['env']): unknown {
  const parts = readX402Environment(env);
  if (Object.keys(parts).length === 0) return undefined;
  return typeof x402 === 'object' ? { ...x402, ...parts } : parts;
}

/** Settings with parts, which the environment gives as JSON. */
const JSON_SETTINGS = new Set(['models', 'aliases', 'prices', 'safety', 'c2pa', 'x402']);

/** Variables that begin with `ONESTEP_` and name a setting. */
function readEnvironment(env: ConfigSources['env'], faults: string[]) {
  const values: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const text = env[variableOf(name)];
    if (text === undefined || text === '') continue;
    values[name] = text;
    if (!JSON_SETTINGS.has(name)) continue;
    try {
      values[name] = JSON.parse(text);
    } catch {
      faults.push(`${variableOf(name)} (environment): must be JSON`);
      delete values[name];
    }
  }
  return values;
}

/** `ONESTEP_QUEUE_LIMIT` for `queueLimit`. */
function variableOf(name: string): string {
  return `ONESTEP_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
