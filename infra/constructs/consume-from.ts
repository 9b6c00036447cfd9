import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { defined } from '#shared/core/defined.ts';
import { acknowledge } from './acknowledge.ts';
import type { CarrierQueue } from './carrier-queue.ts';
import type { ServiceFunction } from './service-function.ts';

export interface ConsumeOptions {
  /** @default 10 */
  readonly batchSize?: number;
  /**
   * The most concurrent batches. Never above the reader's reserved concurrency: what Lambda turns away counts
   * as a receive. @default no limit
   */
  readonly maxConcurrency?: number;
}

/** Lets a function read a queue in batches, of which only what failed comes again. */
export function consumeFrom(
  reader: ServiceFunction,
  carrier: CarrierQueue,
  options: ConsumeOptions = {},
): void {
  const { batchSize = 10, maxConcurrency } = options;
  reader.function.addEventSource(
    new SqsEventSource(carrier.queue, {
      batchSize,
      reportBatchItemFailures: true,
      ...defined({ maxConcurrency }),
    }),
  );
  for (const mapping of reader.function.node.findAll()) {
    if (!mapping.node.id.includes('SqsEventSource')) continue;
    acknowledge(
      mapping,
      "SQS mappings take no failure destination: what fails for good goes to the queue's dead-letter queue.",
      'Serverless-LambdaEventSourceMappingDestination',
    );
  }
}
