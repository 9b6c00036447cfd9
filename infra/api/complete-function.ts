import type { Code } from 'aws-cdk-lib/aws-lambda';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { CompleteEnv } from '#functions/complete/config.ts';
import type { CarrierQueue } from '#infra/constructs/carrier-queue.ts';
import { consumeFrom } from '#infra/constructs/consume-from.ts';
import type { OnestepStack } from '#infra/constructs/onestep-stack.ts';
import type { OwnEnvironment } from '#infra/constructs/own-environment.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import type { DataStack } from '#infra/data/data-stack.ts';
import { grantSettling, grantTable, grantWaking } from '#infra/data/grants.ts';
import type { GpuStack } from '#infra/gpu/gpu-stack.ts';

export interface CompletionQueues {
  /** What SageMaker says of ended orders. */
  readonly queue: CarrierQueue;
  /** Where a topic puts what it could not bring to the queue. */
  readonly lostCompleted: Queue;
  readonly lostFailed: Queue;
}

/** Settles jobs by what SageMaker's topics say. */
export function createCompleteFunction(
  stack: OnestepStack,
  neighbours: { readonly data: DataStack; readonly gpu: GpuStack },
  { queue, lostCompleted, lostFailed }: CompletionQueues,
  code: Code,
): ServiceFunction {
  const { data, gpu } = neighbours;
  const environment: OwnEnvironment<CompleteEnv> = {
    TABLE_NAME: data.table.tableName,
    OUTPUT_BUCKET_NAME: data.outputBucket.bucketName,
    DISPATCH_QUEUE_URL: data.dispatchQueue.queue.queueUrl,
    WEBHOOK_QUEUE_URL: data.webhookQueue.queue.queueUrl,
  };
  const complete = new ServiceFunction(stack, 'Complete', stack.settings, {
    name: 'complete',
    code,
    description: 'Settles each job that SageMaker says has ended.',
    memoryMib: 512,
    environment,
    whyNoDlq: 'Reads a queue, which has its own dead-letter queue.',
  });
  consumeFrom(complete, queue);
  for (const [topic, deadLetterQueue] of [
    [gpu.successTopic, lostCompleted],
    [gpu.errorTopic, lostFailed],
  ] as const) {
    topic.addSubscription(
      new SqsSubscription(queue.queue, { rawMessageDelivery: true, deadLetterQueue }),
    );
  }
  grantTable(complete, data);
  grantWaking(complete, data);
  grantSettling(complete, data);
  return complete;
}
