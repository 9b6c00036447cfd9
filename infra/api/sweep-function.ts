import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { SweepEnv } from '#functions/sweep/config.ts';
import { allow } from '#infra/constructs/allow.ts';
import type { OnestepStack } from '#infra/constructs/onestep-stack.ts';
import type { OwnEnvironment } from '#infra/constructs/own-environment.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import type { DataStack } from '#infra/data/data-stack.ts';
import { grantSettling, grantTable, grantWaking } from '#infra/data/grants.ts';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { defined } from '#shared/core/defined.ts';
import { VARIANT_NAME } from '#shared/deployment/names.ts';
import { deployedModels } from './deployed-models.ts';
import { grantScaling } from './grant-scaling.ts';
import { grantX402Secret, x402Environment } from './x402-environment.ts';

/** The sweep, every minute: what got lost elsewhere is found here. */
export function createSweepFunction(
  stack: OnestepStack,
  data: DataStack,
  failures: Queue,
  code: Code,
): ServiceFunction {
  const { settings } = stack;
  const environment: OwnEnvironment<SweepEnv> = {
    TABLE_NAME: data.table.tableName,
    OUTPUT_BUCKET_NAME: data.outputBucket.bucketName,
    DISPATCH_QUEUE_URL: data.dispatchQueue.queue.queueUrl,
    WEBHOOK_QUEUE_URL: data.webhookQueue.queue.queueUrl,
    RUNNING_CANCELS_PER_HOUR: String(settings.runningCancelsPerHour),
    RETENTION_HOURS: String(settings.retentionDays * 24),
    RECORD_DAYS: String(settings.recordDays),
    MODELS: JSON.stringify(deployedModels(settings)),
    ...x402Environment(settings),
    ...defined({ SCALED_VARIANT: settings.scaling ? VARIANT_NAME : undefined }),
  };
  const sweep = new ServiceFunction(stack, 'Sweep', settings, {
    name: 'sweep',
    code,
    description:
      'Each minute: settles overdue jobs, wakes and stops endpoints, queues webhooks, removes old data.',
    memoryMib: 512,
    environment,
    reservedConcurrency: 1,
    deadLetterQueue: failures,
  });
  grantTable(sweep, data);
  grantWaking(sweep, data);
  grantSettling(sweep, data);
  grantX402Secret(sweep, settings);
  if (settings.scaling && settings.models.some(hasInstances)) {
    grantScaling(sweep, stack, settings);
  }
  everyMinute(stack, sweep, failures);
  return sweep;
}

function everyMinute(stack: OnestepStack, target: ServiceFunction, failures: Queue): void {
  const role = new Role(stack, 'SweepScheduleRole', {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
  });
  allow(role, ['lambda:InvokeFunction'], [target.function.functionArn]);
  allow(role, ['sqs:SendMessage'], [failures.queueArn]);
  const schedule = new CfnSchedule(stack, 'SweepSchedule', {
    scheduleExpression: 'rate(1 minute)',
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: target.function.functionArn,
      roleArn: role.roleArn,
      // The next minute's run does what this one could not.
      retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      deadLetterConfig: { arn: failures.queueArn },
    },
  });
  schedule.node.addDependency(role);
}
