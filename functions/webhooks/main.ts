import { createPlatform } from '#shared/adapters/aws/platform.ts';
import { composeWebhooks } from './compose.ts';
import { loadWebhooksConfig } from './config.ts';

const config = loadWebhooksConfig(process.env);

/** Lambda's entry: due outbox entries, in batches from SQS. */
export const handler = composeWebhooks(config, createPlatform('webhooks', config.AWS_REGION));
