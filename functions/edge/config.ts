import * as z from 'zod/mini';
import { AppError } from '#shared/core/errors.ts';

/**
 * Settings of the edge function. Lambda@Edge takes no environment variables, so the bundler writes
 * these into the code (`ONESTEP_EDGE_SETTINGS`); secrets are fetched at run time by name.
 *
 * Zod's small half, since the bundle's size counts here.
 */
const EdgeEnvSchema = z.object({
  /** ARN or name of the secret that holds the keys which API keys' MACs are made with. */
  MAC_SECRET_ARN: z.string().check(z.minLength(1)),
  /** The region that this function reads the secret in. */
  MAC_SECRET_REGION: z.string().check(z.minLength(1)),
  /** Larger bodies are answered with 413. CloudFront gives the function at most 1 MB of a body. */
  MAX_BODY_BYTES: z.optional(z.string().check(z.regex(/^\d{4,6}$/))),
  /** `1`: creates without credentials go on, to be told a price; so do links to what was paid for. */
  X402: z.optional(z.literal('1')),
  /** `1`: events of Stripe go on, which it signs. */
  STRIPE: z.optional(z.literal('1')),
  /** The deployment's own domain; without one, clients use the distribution's. */
  PUBLIC_HOST: z.optional(z.string().check(z.minLength(1))),
});
const DEFAULT_MAX_BODY_BYTES = 65_536;

export type EdgeEnv = z.input<typeof EdgeEnvSchema>;
export type EdgeConfig = Readonly<Omit<EdgeEnv, 'MAX_BODY_BYTES'> & { MAX_BODY_BYTES: number }>;

/**
 * Reads the settings.
 *
 * @throws AppError `invalid-request` that lists every fault at once
 */
export function loadEdgeConfig(settings: Readonly<Record<string, unknown>>): EdgeConfig {
  const result = EdgeEnvSchema.safeParse(settings);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new AppError(
      'invalid-request',
      `The settings of the edge function are wrong. ${faults.join('; ')}.`,
    );
  }
  const { MAX_BODY_BYTES: bytes, ...rest } = result.data;
  return Object.freeze({
    ...rest,
    MAX_BODY_BYTES: bytes === undefined ? DEFAULT_MAX_BODY_BYTES : Number(bytes),
  });
}
