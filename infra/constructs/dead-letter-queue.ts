import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** Where what failed for good waits for a person; by its nature it has no such queue itself. */
export function createDeadLetterQueue(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  });
  acknowledge(
    queue,
    'Itself a dead-letter queue: an alarm watches it and a person empties it.',
    'AwsSolutions-SQS3',
    'Serverless-SQSRedrivePolicy',
  );
  return queue;
}
