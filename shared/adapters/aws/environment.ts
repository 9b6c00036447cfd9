import { z } from 'zod';
import { AppError } from '#shared/core/errors.ts';

/** The part of `process.env` that a function was given. */
export type Environment = Readonly<Record<string, string | undefined>>;

const WholeNumber = z.string().regex(/^\d{1,9}$/, 'must be a whole number');

/** A variable that holds a whole number within bounds; `fallback` when it is absent. */
export function numberVariable(fallback: number, bounds: { min: number; max: number }) {
  return WholeNumber.optional()
    .transform((text) => (text === undefined ? fallback : Number(text)))
    .pipe(z.number().int().min(bounds.min).max(bounds.max));
}

/** A variable that holds JSON; what that has to be is said by `pipe`. */
export const JsonVariable = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON' });
    return z.NEVER;
  }
});

/** One model that the deployment serves, and the endpoint that runs it. */
const DeployedModelSchema = z.strictObject({
  /** `owner/name`, as clients write it. */
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*\/[a-z0-9][a-z0-9._-]*$/),
  /** Digest of the model package: 64 hex digits. Its files are at `models/<digest>/`. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  /** What draws: a SageMaker endpoint unless it is said, or a function on a CPU. */
  compute: z.enum(['sagemaker', 'lambda']).optional(),
  /** Name of the SageMaker endpoint, or of the function. */
  endpoint: z.string().regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/),
  /** The most instances that its scaling may start. */
  maxInstances: z.number().int().min(1).max(100).default(1),
  /** Minutes without an order after which its instances are taken away; learned where it is absent. */
  idleMinutes: z.number().int().min(1).max(1_440).optional(),
  /** Hours in which it is kept warm: `Mon-Fri 08:00-18:00 Europe/Berlin`. */
  warm: z.string().optional(),
  /** Micro-USD for an image of the model's native size class. */
  price: z.number().int().min(0).max(1_000_000_000),
});
export type DeployedModel = z.infer<typeof DeployedModelSchema>;

/** Whether a model has instances that wake and sleep; a function has none. */
export const hasInstances = ({ compute }: Pick<DeployedModel, 'compute'>): boolean =>
  compute !== 'lambda';

/** The variable `MODELS`: a JSON array of {@link DeployedModelSchema}, at least one. */
export const ModelsVariable = JsonVariable.pipe(
  z
    .array(DeployedModelSchema)
    .min(1)
    .refine(
      (models) => new Set(models.map((model) => model.name)).size === models.length,
      'two models have one name',
    ),
);

/**
 * Reads a function's configuration from its environment. An empty variable counts as absent.
 * @throws AppError `invalid-request` that lists every fault at once
 */
export function parseEnvironment<Schema extends z.ZodType>(
  functionName: string,
  schema: Schema,
  environment: Environment,
): Readonly<z.infer<Schema>> {
  const present = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = schema.safeParse(present);
  if (result.success) return Object.freeze(result.data);
  const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new AppError(
    'invalid-request',
    `The environment of the ${functionName} function is wrong. ${faults.join('; ')}.`,
  );
}
