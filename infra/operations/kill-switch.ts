import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ApiStack } from '#infra/api/api-stack.ts';
import { deployedModels } from '#infra/api/deployed-models.ts';
import { grantScaling } from '#infra/api/grant-scaling.ts';
import { createAlarmTopic } from '#infra/constructs/alarm-topic.ts';
import { createDeadLetterQueue } from '#infra/constructs/dead-letter-queue.ts';
import type { OwnEnvironment } from '#infra/constructs/own-environment.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import type { KillSwitchEnv } from '#infra/handlers/kill-switch/config.ts';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { VARIANT_NAME } from '#shared/deployment/names.ts';

/**
 * Any message to its topic turns the deployment off: no endpoint may have an instance, and
 * the API answers creates with 503. `onestep resume` turns it on again.
 */
export class KillSwitch extends Construct {
  readonly topic: Topic;
  readonly switcher: ServiceFunction;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, api: ApiStack, code: Code) {
    super(scope, id);
    const { settings } = api;
    this.topic = createAlarmTopic(this, 'Topic', { email: settings.alarmEmail });
    this.deadLetters = createDeadLetterQueue(this, 'DeadLetters');
    const environment: OwnEnvironment<KillSwitchEnv> = {
      API_FUNCTION_NAME: api.api.function.functionName,
      VARIANT_NAME,
      ENDPOINTS: JSON.stringify(
        deployedModels(settings)
          .filter(hasInstances)
          .map(({ endpoint, maxInstances }) => ({ name: endpoint, maxInstances })),
      ),
    };
    this.switcher = new ServiceFunction(this, 'Function', settings, {
      name: 'kill-switch',
      description: 'Turns the GPUs off and the API to 503, or back.',
      code,
      memoryMib: 256,
      environment,
      reservedConcurrency: 1,
      deadLetterQueue: this.deadLetters,
    });
    this.topic.addSubscription(
      new LambdaSubscription(this.switcher.function, { deadLetterQueue: this.deadLetters }),
    );
    this.switcher.grant(
      ['lambda:GetFunctionConfiguration', 'lambda:UpdateFunctionConfiguration'],
      [api.api.function.functionArn],
    );
    if (settings.models.some(hasInstances)) grantScaling(this.switcher, api, settings);
  }
}
