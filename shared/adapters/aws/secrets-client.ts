import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type AwsAccess, clientSettings } from './aws-access.ts';

/** In a file of its own: the edge function has room for no other client. */
export function createSecretsClient(access: AwsAccess): SecretsManagerClient {
  return new SecretsManagerClient(clientSettings(access));
}
