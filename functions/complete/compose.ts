import { createAwsSystem, type Platform } from '#shared/adapters/aws/aws-system.ts';
import { createWake } from '#shared/adapters/aws/wake-queue.ts';
import { createWebhookCarrier } from '#shared/adapters/aws/webhook-carrier.ts';
import type { CompleteConfig } from './config.ts';
import { createCompleteHandler } from './handler.ts';

/** The function over a platform. */
export function composeComplete(config: CompleteConfig, platform: Platform) {
  const { log, sqs: client } = platform;
  const bucket = config.OUTPUT_BUCKET_NAME;
  const { settlement, blobs, takeChanged } = createAwsSystem(platform, {
    tableName: config.TABLE_NAME,
    bucket,
  });
  const onError = log.error;
  return createCompleteHandler({
    settlement,
    blobs,
    bucket,
    takeChanged,
    wakeDispatcher: createWake({ client, queueUrl: config.DISPATCH_QUEUE_URL, onError }),
    carryWebhooks: createWebhookCarrier({ client, queueUrl: config.WEBHOOK_QUEUE_URL, onError }),
    onError: (error, messageId) => onError(error, `completion ${messageId}`),
  });
}
