import { z } from 'zod';
import {
  type Environment,
  numberVariable,
  parseEnvironment,
} from '#shared/adapters/aws/environment.ts';

/**
 * Settings of the edge function. Lambda@Edge takes no environment variables, so the bundler writes
 * these into the code (`ONESTEP_EDGE_SETTINGS`); secrets are fetched at run time by name.
 */
const EdgeEnvSchema = z.object({
  /** The secret that holds the keys which API keys' MACs are made with. */
  MAC_SECRET_ARN: z.string().min(1),
  /** The region that this function reads the secret in: one near the viewers holds a replica. */
  MAC_SECRET_REGION: z.string().min(1),
  /** Larger bodies are answered with 413. CloudFront gives the function at most 1 MB of a body. */
  MAX_BODY_BYTES: numberVariable(65_536, { min: 1_024, max: 1_000_000 }),
  /** The deployment's own domain; without one, clients use the distribution's. */
  PUBLIC_HOST: z.string().min(1).optional(),
});

export type EdgeEnv = z.input<typeof EdgeEnvSchema>;
export type EdgeConfig = Readonly<z.infer<typeof EdgeEnvSchema>>;

/** Reads the settings; reports every fault at once. */
export function loadEdgeConfig(settings: Environment): EdgeConfig {
  return parseEnvironment('edge', EdgeEnvSchema, settings);
}
