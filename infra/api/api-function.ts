import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { ApiEnv } from '#functions/api/config.ts';
import { objectArn } from '#infra/constructs/bucket-reference.ts';
import type { OnestepStack } from '#infra/constructs/onestep-stack.ts';
import type { OwnEnvironment } from '#infra/constructs/own-environment.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import type { DataStack } from '#infra/data/data-stack.ts';
import { grantSecrets, grantSettling, grantTable, grantWaking } from '#infra/data/grants.ts';
import { defined } from '#shared/core/defined.ts';
import { modelPrefix, VARIANT_NAME } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { deployedModels, endpointArns } from './deployed-models.ts';
import { grantScaling } from './grant-scaling.ts';
import { grantX402Secret, x402Environment } from './x402-environment.ts';

/** The API: everything that clients and the playground call. */
export function createApiFunction(
  stack: OnestepStack,
  data: DataStack,
  inspect: ServiceFunction,
  code: Code,
): ServiceFunction {
  const { settings } = stack;
  const api = new ServiceFunction(stack, 'Api', settings, {
    name: 'api',
    code,
    description: 'Predictions, images, keys, credits, usage, webhook log, playground.',
    memoryMib: 1024,
    environment: environment(stack, data, inspect),
    whyNoDlq:
      'Only CloudFront invokes it, through its URL and synchronously: who called sees the error.',
  });
  grantTable(api, data);
  grantWaking(api, data);
  grantSecrets(api, [data.macSecret, data.receiptSecret]);
  if (settings.stripeSecretArn !== undefined) {
    api.grant(['secretsmanager:GetSecretValue'], [settings.stripeSecretArn]);
  }
  grantSettling(api, data);
  grantX402Secret(api, settings);
  api.grant(['lambda:InvokeFunction'], [inspect.function.functionArn]);
  api.grant(
    ['s3:GetObject'],
    settings.models.map((model) =>
      objectArn(data.modelBucket, `${modelPrefix(model.digest)}manifest.json`),
    ),
  );
  const endpoints = endpointArns(stack, settings);
  if (endpoints.length > 0 && settings.scaling) grantScaling(api, stack, settings);
  else if (endpoints.length > 0) api.grant(['sagemaker:DescribeEndpoint'], endpoints);
  return api;
}

function environment(
  { settings }: OnestepStack,
  data: DataStack,
  inspect: ServiceFunction,
): OwnEnvironment<ApiEnv> {
  return {
    TABLE_NAME: data.table.tableName,
    OUTPUT_BUCKET_NAME: data.outputBucket.bucketName,
    MODEL_BUCKET_NAME: data.modelBucket.bucketName,
    MODELS: JSON.stringify(deployedModels(settings)),
    DISPATCH_QUEUE_URL: data.dispatchQueue.queue.queueUrl,
    WEBHOOK_QUEUE_URL: data.webhookQueue.queue.queueUrl,
    MAC_SECRET_ARN: data.macSecret.secretArn,
    RECEIPT_SECRET_ARN: data.receiptSecret.secretArn,
    INSPECT_FUNCTION: inspect.function.functionName,
    QUEUE_LIMIT: String(settings.queueLimit),
    ACCOUNT_QUEUE_LIMIT: String(settings.accountQueueLimit),
    RUNNING_CANCELS_PER_HOUR: String(settings.runningCancelsPerHour),
    RETENTION_HOURS: String(settings.retentionDays * 24),
    RECORD_DAYS: String(settings.recordDays),
    ...x402Environment(settings),
    ...defined({
      SCALED_VARIANT: settings.scaling ? VARIANT_NAME : undefined,
      OPERATOR_ACCOUNT: settings.operatorAccount,
      ALIASES: settings.aliases && JSON.stringify(settings.aliases),
      BLOCK_LIST: settings.blockList && JSON.stringify(settings.blockList),
      TOPUP_URL: settings.topupUrl ?? ownTopupUrl(settings),
      STRIPE_SECRET_ARN: settings.stripeSecretArn,
    }),
  };
}

/** The page that sells credit, where its address is known. */
function ownTopupUrl({ domainName, stripeSecretArn }: DeploymentSettings): string | undefined {
  const isKnown = domainName !== undefined && stripeSecretArn !== undefined;
  return isKnown ? `https://${domainName}/credits` : undefined;
}
