import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { WebhooksEnv } from '#functions/webhooks/config.ts';
import type { ApiStack } from '#infra/api/api-stack.ts';
import { consumeFrom } from '#infra/constructs/consume-from.ts';
import { OnestepStack } from '#infra/constructs/onestep-stack.ts';
import type { OwnEnvironment } from '#infra/constructs/own-environment.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import type { DataStack } from '#infra/data/data-stack.ts';
import { grantObjects } from '#infra/constructs/grant-objects.ts';
import { grantSecrets, grantTable } from '#infra/data/grants.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

/** Concurrent executions: a flood of webhooks must not take the account's concurrency. */
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
      RECEIPT_SECRET_ARN: data.receiptSecret.secretArn,
      PUBLIC_URL: api.publicUrl,
      RECORD_DAYS: String(settings.recordDays),
    };
    this.webhooks = new ServiceFunction(this, 'Webhooks', settings, {
      name: 'webhooks',
      description: 'Delivers due webhooks: signed, to vetted addresses only.',
      code,
      memoryMib: 512,
      environment,
      whyNoDlq: 'Reads a queue, which has its own dead-letter queue.',
    });
    consumeFrom(this.webhooks, data.webhookQueue, { batchSize: 5, maxConcurrency: MAX_DELIVERERS });
    grantTable(this.webhooks, data, WRITTEN_PARTITIONS);
    // Payloads carry receipts with their signatures, as the API's answers do.
    grantSecrets(this.webhooks, [data.receiptSecret]);
    // Payloads carry signed URLs of the images, which are worth no more than their signer's grants.
    grantObjects(this.webhooks.role, data.outputBucket, ['s3:GetObject'], ['outputs/']);
  }
}

/** Deliveries with their attempts, and the receivers' health. */
const WRITTEN_PARTITIONS = ['OUTBOX#', 'RECEIVER#'];
