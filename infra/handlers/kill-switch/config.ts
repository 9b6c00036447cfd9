import { z } from 'zod';
import { type Environment, parseEnvironment } from '#shared/adapters/aws/environment.ts';

const Json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);

const KillSwitchEnvSchema = z.object({
  API_FUNCTION_NAME: z.string().min(1),
  VARIANT_NAME: z.string().min(1),
  /** Each endpoint with the most instances that it may have when nothing is paused. */
  ENDPOINTS: Json(
    z.array(z.strictObject({ name: z.string(), maxInstances: z.number().int().min(1) })),
  ),
});

export type KillSwitchEnv = z.input<typeof KillSwitchEnvSchema>;
export type KillSwitchConfig = Readonly<z.infer<typeof KillSwitchEnvSchema>>;

/** Reads the environment; reports every fault at once. */
export function loadKillSwitchConfig(environment: Environment): KillSwitchConfig {
  return parseEnvironment('kill-switch', KillSwitchEnvSchema, environment);
}
