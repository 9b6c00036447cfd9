import { createAwsSystem, type Platform } from '#shared/adapters/aws/aws-system.ts';
import { createWake } from '#shared/adapters/aws/wake-queue.ts';
import { createWebhookCarrier } from '#shared/adapters/aws/webhook-carrier.ts';
import type { CompleteConfig } from './config.ts';
import { createCompleteHandler } from './handler.ts';

/** The function over a platform. */
export function composeComplete(config: CompleteConfig, platform: Platform) {
  const { log, clock, sqs: client } = platform;
  const bucket = config.OUTPUT_BUCKET_NAME;
  const system = createAwsSystem(platform, { tableName: config.TABLE_NAME, bucket });
  const onError = log.error;
  return createCompleteHandler({
    createSettlement: system.createSettlement,
    blobs: system.blobs,
    bucket,
    wakeDispatcher: createWake({ client, queueUrl: config.DISPATCH_QUEUE_URL, onError }),
    carryWebhooks: createWebhookCarrier({
      client,
      queueUrl: config.WEBHOOK_QUEUE_URL,
      clock,
      onError,
    }),
    onError: (error, messageId) => onError(error, `completion ${messageId}`),
  });
}
