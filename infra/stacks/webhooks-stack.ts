import type { Code } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Construct } from 'constructs';
import type { DeploymentSettings } from '#functions/cli/deploy/settings.ts';
import type { WebhooksEnv } from '#functions/webhooks/config.ts';
import { acknowledge } from '#infra/acknowledge.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import { grantObjects, grantTableRead, grantTableWrite } from '#infra/grants.ts';
import type { OwnEnvironment } from '#infra/own-environment.ts';
import { TIMEOUTS } from '#infra/timeouts.ts';
import type { ApiStack } from './api-stack.ts';
import type { DataStack } from './data-stack.ts';
import { OnestepStack } from './onestep-stack.ts';

/** Deliveries at one time: a flood of webhooks must not take the account's concurrency. */
const MAX_DELIVERERS = 20;

/**
 * The one function that connects to addresses which callers chose. It stands alone, outside any network
 * of ours, and can write nothing but deliveries.
 */
export class WebhooksStack extends OnestepStack {
  readonly webhooks: ServiceFunction;

  constructor(
    scope: Construct,
    settings: DeploymentSettings,
    neighbours: { readonly data: DataStack; readonly api: ApiStack },
    code: Code,
  ) {
    super(scope, 'webhooks', settings);
    const { data, api } = neighbours;
    const environment: OwnEnvironment<WebhooksEnv> = {
      TABLE_NAME: data.table.tableName,
      OUTPUT_BUCKET_NAME: data.outputBucket.bucketName,
      PUBLIC_URL: api.publicUrl,
    };
    this.webhooks = new ServiceFunction(this, 'Webhooks', {
      stage: settings.stage,
      description: 'Delivers due webhooks: signed, to vetted addresses only.',
      code,
      memoryMib: 512,
      timeoutSeconds: TIMEOUTS.webhooks,
      environment,
      logRetentionDays: settings.logRetentionDays,
      whyNoDlq: 'Reads a queue, which has its own dead-letter queue.',
    });
    this.webhooks.function.addEventSource(
      new SqsEventSource(data.webhookQueue.queue, {
        batchSize: 5,
        reportBatchItemFailures: true,
        maxConcurrency: MAX_DELIVERERS,
      }),
    );
    for (const mapping of this.webhooks.function.node.findAll()) {
      if (!mapping.node.id.includes('SqsEventSource')) continue;
      acknowledge(
        mapping,
        "SQS mappings take no failure destination: what fails for good goes to the queue's dead-letter queue.",
        'Serverless-LambdaEventSourceMappingDestination',
      );
    }
    grantTableRead(this.webhooks, data);
    grantTableWrite(this.webhooks, data, WRITTEN_PARTITIONS);
    // Payloads carry signed URLs of the images, which are worth no more than their signer's grants.
    grantObjects(this.webhooks.role, data.outputBucket, ['s3:GetObject'], ['outputs/']);
  }
}

/** Deliveries with their attempts, and the receivers' health. */
const WRITTEN_PARTITIONS = ['OUTBOX#', 'RECEIVER#'];
