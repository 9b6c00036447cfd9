import { ArnFormat, type Stack } from 'aws-cdk-lib';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import type { ServiceFunction } from '#infra/constructs/service-function.ts';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { deployedModels, endpointArns } from './deployed-models.ts';

/**
 * Lets a function say how many instances this deployment's endpoints are to have. A scalable target can't be
 * named; but Application Auto Scaling obeys only a caller that may itself do what scaling does, and these
 * functions may change no other endpoint.
 */
export function grantScaling(
  changer: ServiceFunction,
  stack: Stack,
  settings: DeploymentSettings,
): void {
  changer.grant(
    ['sagemaker:DescribeEndpoint', 'sagemaker:UpdateEndpointWeightsAndCapacities'],
    endpointArns(stack, settings),
  );
  const targets = stack.formatArn({
    service: 'application-autoscaling',
    resource: 'scalable-target',
    resourceName: '*',
  });
  changer.grant(['application-autoscaling:RegisterScalableTarget'], [targets], {
    StringEquals: {
      'application-autoscaling:service-namespace': 'sagemaker',
      'application-autoscaling:scalable-dimension': 'sagemaker:variant:DesiredInstanceCount',
    },
  });
  grantWhatScalingDoes(changer, stack, settings);
  acknowledge(
    changer.role,
    "A scalable target's ARN ends in an id that CloudFormation does not tell; namespace and dimension are conditions.",
    `AwsSolutions-IAM5[Resource::arn:aws:application-autoscaling:${stack.region}:<AWS::AccountId>:scalable-target/*]`,
  );
}

function grantWhatScalingDoes(
  changer: ServiceFunction,
  stack: Stack,
  settings: DeploymentSettings,
): void {
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
  const ours = deployedModels(settings)
    .filter(hasInstances)
    .map(({ endpoint }) => `TargetTracking-endpoint/${endpoint}/*`);
  changer.grant(['sagemaker:DescribeEndpointConfig'], [configs]);
  changer.grant(['cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms'], ours.map(alarmArn));
  changer.grant(['cloudwatch:DescribeAlarms'], [alarmArn('*')]);
  const account = `${stack.region}:<AWS::AccountId>`;
  acknowledge(
    changer.role,
    "CloudFormation and Application Auto Scaling choose the ends of these names: what may be changed are the endpoints' own scaling alarms, the rest is reading.",
    `AwsSolutions-IAM5[Resource::arn:aws:sagemaker:${account}:endpoint-config/*]`,
    ...['*', ...ours].map(
      (name) => `AwsSolutions-IAM5[Resource::arn:aws:cloudwatch:${account}:alarm:${name}]`,
    ),
  );
}
