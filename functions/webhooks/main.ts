import { createPlatform } from '#shared/adapters/aws/platform.ts';
import { createSecretReader } from '#shared/adapters/aws/secret-reader.ts';
import { createSecretsClient } from '#shared/adapters/aws/secrets-client.ts';
import { composeWebhooks } from './compose.ts';
import { loadWebhooksConfig } from './config.ts';

const config = loadWebhooksConfig(process.env);
const platform = createPlatform('webhooks', config.AWS_REGION);

/** Lambda's entry: due outbox entries, in batches from SQS. */
export const handler = composeWebhooks(config, {
  ...platform,
  readSecret: createSecretReader({
    client: createSecretsClient({ region: config.AWS_REGION }),
    clock: platform.clock,
  }),
});
