import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type AwsAccess, clientSettings } from './aws-access.ts';

/** All attempts together are over before the edge function's own ten seconds are. */
export const SECRET_LIMITS = { timeoutMs: 2_000, attempts: 3 };

/** In a file of its own: the edge function has room for no other client. */
export function createSecretsClient(access: AwsAccess): SecretsManagerClient {
  return new SecretsManagerClient(clientSettings(access, SECRET_LIMITS));
}
