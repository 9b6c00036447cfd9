import { z } from 'zod';
import { parseWarmSchedule } from '#shared/service/domain/endpoints/warm-schedule.ts';
import { INSTANCE_PRICES } from './instance-prices.ts';

const InstanceType = z.string().refine((type) => Object.hasOwn(INSTANCE_PRICES, type), {
  error: `must be one of ${Object.keys(INSTANCE_PRICES).join(', ')}`,
});

/** What the settings say of one model. */
export const ModelSettingsSchema = z.strictObject({
  /** `owner/name`, as clients write it. */
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*\/[a-z0-9][a-z0-9._-]*$/),
  /** The model package's digest, as its manifest says: 64 hex digits. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  /**
   * What draws: `sagemaker`, an endpoint with a GPU; `lambda`, a function on a CPU, for a model that fits: it
   * needs no quota and costs nothing at rest.
   */
  compute: z.enum(['sagemaker', 'lambda']).default('sagemaker'),
  /**
   * One type, or up to five, the preferred one first: where that can't be had, SageMaker takes the next.
   * What is said of time and money is that of the slowest and of the dearest.
   */
  instance: z
    .preprocess(
      (types) => (typeof types === 'string' ? [types] : types),
      z
        .array(InstanceType)
        .min(1)
        .max(5)
        .refine((types) => new Set(types).size === types.length, { error: 'names a type twice' }),
    )
    .default(['ml.g6.xlarge']),
  /** The most instances at one time: the ceiling of the bill. */
  maxInstances: z.number().int().min(1).max(100).default(1),
  /** Minutes without an order after which instances are taken away. Default: what its wakes take. */
  idleMinutes: z.number().int().min(1).max(1_440).optional(),
  /** Hours in which an instance is kept, orders or not: `Mon-Fri 08:00-18:00 Europe/Berlin`. */
  warm: z.string().superRefine(assertSchedule).optional(),
  /** Dollars for an image of the model's native size class, such as "0.004". */
  priceUsd: z
    .string()
    .regex(/^\d{1,4}(\.\d{1,6})?$/)
    .default('0.004'),
});
export type ModelSettings = z.infer<typeof ModelSettingsSchema>;

function assertSchedule(text: string, context: z.RefinementCtx): void {
  try {
    parseWarmSchedule(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
  }
}
