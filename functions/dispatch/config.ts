import { z } from 'zod';
import {
  type Environment,
  ModelsVariable,
  numberVariable,
  parseEnvironment,
} from '#shared/adapters/aws/environment.ts';
import { ORDER_FLOW } from '#shared/core/order-flow.ts';

const DispatchEnvSchema = z.object({
  /** Set by Lambda itself. */
  AWS_REGION: z.string().min(1),
  TABLE_NAME: z.string().min(3),
  OUTPUT_BUCKET_NAME: z.string().min(3),
  MODELS: ModelsVariable,
  /**
   * Jobs inside SageMaker per possible instance. Above the target of its scaling, or a second
   * instance never starts; small, because what is inside is out of the fair order.
   */
  JOBS_PER_INSTANCE: numberVariable(ORDER_FLOW.handedOver, { min: 2, max: 100 }),
  /** The longest that one job may run on the GPU. */
  INVOCATION_TIMEOUT_SECONDS: numberVariable(600, { min: 1, max: 3_600 }),
});

export type DispatchEnv = z.input<typeof DispatchEnvSchema>;
export type DispatchConfig = Readonly<z.infer<typeof DispatchEnvSchema>>;

/** Reads the environment; reports every fault at once. */
export function loadDispatchConfig(environment: Environment): DispatchConfig {
  return parseEnvironment('dispatch', DispatchEnvSchema, environment);
}
