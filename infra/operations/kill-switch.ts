import { ArnFormat } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ApiStack } from '#infra/api/api-stack.ts';
import { deployedModels, endpointArns } from '#infra/api/deployed-models.ts';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { createAlarmTopic } from '#infra/constructs/alarm-topic.ts';
import { createDeadLetterQueue } from '#infra/constructs/dead-letter-queue.ts';
import type { OwnEnvironment } from '#infra/constructs/own-environment.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import type { KillSwitchEnv } from '#infra/handlers/kill-switch/config.ts';
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
        deployedModels(settings).map(({ endpoint, maxInstances }) => ({
          name: endpoint,
          maxInstances,
        })),
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
    this.grantSwitching(api);
  }

  private grantSwitching(api: ApiStack): void {
    const stack = api;
    this.switcher.grant(
      ['lambda:GetFunctionConfiguration', 'lambda:UpdateFunctionConfiguration'],
      [api.api.function.functionArn],
    );
    this.switcher.grant(
      ['sagemaker:DescribeEndpoint', 'sagemaker:UpdateEndpointWeightsAndCapacities'],
      endpointArns(stack, api.settings),
    );
    const targets = stack.formatArn({
      service: 'application-autoscaling',
      resource: 'scalable-target',
      resourceName: '*',
    });
    this.switcher.grant(['application-autoscaling:RegisterScalableTarget'], [targets], {
      StringEquals: {
        'application-autoscaling:service-namespace': 'sagemaker',
        'application-autoscaling:scalable-dimension': 'sagemaker:variant:DesiredInstanceCount',
      },
    });
    this.grantWhatScalingDoes(stack);
    acknowledge(
      this.switcher.role,
      "A scalable target's ARN ends in an id that CloudFormation does not tell; namespace and dimension are conditions.",
      `AwsSolutions-IAM5[Resource::arn:aws:application-autoscaling:${stack.region}:<AWS::AccountId>:scalable-target/*]`,
    );
  }

  /** Application Auto Scaling obeys only a caller that may itself do all that scaling does. */
  private grantWhatScalingDoes(stack: ApiStack): void {
    const configs = stack.formatArn({
      service: 'sagemaker',
      resource: 'endpoint-config',
      resourceName: '*',
    });
    const alarmArn = (resourceName: string) =>
      stack.formatArn({
        service: 'cloudwatch',
        resource: 'alarm',
        resourceName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
    const ours = deployedModels(stack.settings).map(
      ({ endpoint }) => `TargetTracking-endpoint/${endpoint}/*`,
    );
    this.switcher.grant(['sagemaker:DescribeEndpointConfig'], [configs]);
    this.switcher.grant(
      ['cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms'],
      ours.map(alarmArn),
    );
    this.switcher.grant(['cloudwatch:DescribeAlarms'], [alarmArn('*')]);
    const account = `${stack.region}:<AWS::AccountId>`;
    acknowledge(
      this.switcher.role,
      "CloudFormation and Application Auto Scaling choose the ends of these names: what may be changed are the endpoints' own scaling alarms, the rest is reading.",
      `AwsSolutions-IAM5[Resource::arn:aws:sagemaker:${account}:endpoint-config/*]`,
      ...['*', ...ours].map(
        (name) => `AwsSolutions-IAM5[Resource::arn:aws:cloudwatch:${account}:alarm:${name}]`,
      ),
    );
  }
}
