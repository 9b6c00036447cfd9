import { describe, expect, it } from 'vitest';
import { readFromRoot } from '#test/helpers/root.ts';
import { Match, resourcesOf, synthesise } from '#test/helpers/synthesise.ts';
import { actionsOf, dev, prod } from './templates.ts';

describe('endpoint', () => {
  const gpu = dev.templates.gpu;
  const only = (type: string) => Object.values(resourcesOf(gpu, type))[0]?.Properties;

  it('#6 has no fixed names that stand in the way, both digests, the AMI, three jobs in flight, timeouts, rollback', () => {
    expect(only('AWS::SageMaker::Model').ModelName).toBeUndefined();
    const config = only('AWS::SageMaker::EndpointConfig');
    expect(config.EndpointConfigName).toBeUndefined();
    expect(config.ProductionVariants).toEqual([
      expect.objectContaining({
        InferenceAmiVersion: 'al2023-ami-sagemaker-inference-gpu-4-1',
        ContainerStartupHealthCheckTimeoutInSeconds: 1_200,
        ModelDataDownloadTimeoutInSeconds: 1_200,
        InitialInstanceCount: 1,
      }),
    ]);
    expect(config.AsyncInferenceConfig.ClientConfig).toEqual({
      MaxConcurrentInvocationsPerInstance: 3,
    });
    expect(JSON.stringify(only('AWS::SageMaker::Model'))).toMatch(/models\/[0-9a-f]{64}\//);
    const endpoint = only('AWS::SageMaker::Endpoint');
    expect(endpoint.RetainAllVariantProperties).toBe(true);
    expect(endpoint.DeploymentConfig.BlueGreenUpdatePolicy).toBeDefined();
    expect(endpoint.DeploymentConfig.AutoRollbackConfiguration.Alarms).toHaveLength(1);
    // What it counts: test/infra/rollback-alarm.test.ts.
    expect(config.ProductionVariants[0].InstanceType).toBeUndefined();
    expect(config.ProductionVariants[0].InstancePools).toEqual([
      { InstanceType: 'ml.g6.xlarge', Priority: 1 },
    ]);
    expect(readFromRoot('docs/deploy.md')).toContain('twice');
    // AMI, base image and wheel agree on CUDA 13: test/infra/dockerfile.test.ts.
  });

  it("#7 scales from zero to the context's most: backlog by endpoint name alone, and a wake-up at one", () => {
    gpu.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      MinCapacity: 0,
      MaxCapacity: 1,
    });
    gpu.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        CustomizedMetricSpecification: {
          MetricName: 'ApproximateBacklogSizePerInstance',
          Dimensions: [{ Name: 'EndpointName', Value: 'onestep-dev-onestep-demo' }],
        },
      },
    });
    const [wake] = Object.entries(
      gpu.findResources('AWS::ApplicationAutoScaling::ScalingPolicy', {
        Properties: { PolicyType: 'StepScaling' },
      }),
    );
    expect(wake?.[1]['Properties'].StepScalingPolicyConfiguration).toMatchObject({
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
    });
    gpu.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'HasBacklogWithoutCapacity',
      Dimensions: [{ Name: 'EndpointName', Value: 'onestep-dev-onestep-demo' }],
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: 1,
      EvaluationPeriods: 1,
      Period: 60,
      AlarmActions: [{ 'Fn::GetAtt': [wake?.[0], 'Arn'] }],
    });
    const warm = synthesise({
      'onestep:models': [
        { name: 'onestep/demo', digest: 'a'.repeat(64), warm: 'Mon-Fri 08:00-18:00 Europe/Berlin' },
      ],
    });
    warm.templates.gpu.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      ScheduledActions: [
        {
          Schedule: 'cron(0 8 ? * MON,TUE,WED,THU,FRI *)',
          Timezone: 'Europe/Berlin',
          ScalableTargetAction: { MinCapacity: 1 },
        },
        {
          Schedule: 'cron(0 18 ? * MON,TUE,WED,THU,FRI *)',
          Timezone: 'Europe/Berlin',
          ScalableTargetAction: { MinCapacity: 0 },
        },
      ],
    });
    const most = Object.values(
      resourcesOf(prod.templates.gpu, 'AWS::ApplicationAutoScaling::ScalableTarget'),
    ).map(({ Properties }) => Properties.MaxCapacity);
    expect(most).toEqual([3, 1]);
  });

  it('#8 has a ceiling: budget at 50, 80 and 100 %, forecast, anomaly monitor, and a kill switch on both', () => {
    const budget = Object.values(resourcesOf(dev.templates.operations, 'AWS::Budgets::Budget'))[0];
    const told = budget?.Properties.NotificationsWithSubscribers.map(
      // biome-ignore lint/suspicious/noExplicitAny: a template's properties.
      ({ Notification }: any) => `${Notification.NotificationType} ${Notification.Threshold}`,
    );
    expect(told).toEqual(['ACTUAL 50', 'ACTUAL 80', 'FORECASTED 100', 'ACTUAL 100']);
    const topic = budget?.Properties.NotificationsWithSubscribers[3].Subscribers[0].Address;
    dev.templates.operations.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'lambda',
      TopicArn: topic,
    });
    dev.templates.operations.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp('kill switch'),
      Threshold: 12,
      AlarmActions: Match.arrayWith([topic]),
    });
    // Half a day of every instance that there may be.
    prod.templates.operations.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp('kill switch'),
      Threshold: 12 * (3 + 1),
    });
    // Not what else runs in the account; by the tag once that is active.
    expect(budget?.Properties.Budget.CostFilters.Service).toContain('Amazon SageMaker');
    prod.templates.operations.hasResourceProperties('AWS::Budgets::Budget', {
      Budget: { CostFilters: { TagKeyValue: ['user:project$onestep'] } },
    });
    // A member account may make no monitor: none unless it is asked for.
    dev.templates.operations.resourceCountIs('AWS::CE::AnomalyMonitor', 0);
    prod.templates.operations.resourceCountIs('AWS::CE::AnomalyMonitor', 1);
    prod.templates.operations.hasResourceProperties('AWS::CE::AnomalySubscription', {
      Subscribers: [{ Type: 'SNS' }],
    });
    // Application Auto Scaling asks whether its caller may do all that scaling does, before it obeys.
    expect(actionsOf(/^KillSwitchFunction/)).toEqual(
      expect.arrayContaining([
        'application-autoscaling:RegisterScalableTarget',
        'sagemaker:DescribeEndpoint',
        'sagemaker:DescribeEndpointConfig',
        'sagemaker:UpdateEndpointWeightsAndCapacities',
        'cloudwatch:DescribeAlarms',
        'cloudwatch:PutMetricAlarm',
        'cloudwatch:DeleteAlarms',
        'lambda:UpdateFunctionConfiguration',
      ]),
    );
    // The ceiling in dollars: `onestep cost`, test/unit/deployment/cost.test.ts and docs/costs.md.
    // What the switch does: test/unit/infra/kill-switch.test.ts.
  });
});
