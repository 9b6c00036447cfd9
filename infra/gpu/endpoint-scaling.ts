import { Duration } from 'aws-cdk-lib';
import { CfnScalableTarget, CfnScalingPolicy } from 'aws-cdk-lib/aws-applicationautoscaling';
import { Alarm, ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import { ORDER_FLOW } from '#shared/core/order-flow.ts';
import { VARIANT_NAME } from '#shared/deployment/names.ts';
import { cronEdges, type WarmSchedule } from '#shared/service/domain/endpoints/warm-schedule.ts';
import { endpointMetric } from './endpoint-metrics.ts';

/** Between two scaling steps, so that one wake-up starts one instance and not two. */
const COOLDOWN_SECONDS = 300;

/** Scales an endpoint between none and the most instances, by what waits in its queue. */
export function scaleToZero(
  scope: Construct,
  endpoint: CfnEndpoint,
  endpointName: string,
  maxInstances: number,
  warm?: WarmSchedule,
): void {
  const target = new CfnScalableTarget(scope, 'ScalableTarget', {
    serviceNamespace: 'sagemaker',
    scalableDimension: 'sagemaker:variant:DesiredInstanceCount',
    resourceId: `endpoint/${endpointName}/variant/${VARIANT_NAME}`,
    minCapacity: 0,
    maxCapacity: maxInstances,
    ...(warm && { scheduledActions: warmHours(warm) }),
  });
  target.addResourceDependency(endpoint);
  scaleOnBacklog(scope, target, endpointName);
  wakeFromZero(scope, target, endpointName);
}

/** At the beginning of the warm hours one instance, at their end none unless there are orders. */
function warmHours(warm: WarmSchedule): CfnScalableTarget.ScheduledActionProperty[] {
  const { begin, end } = cronEdges(warm);
  return [
    { name: 'warm', schedule: begin, minCapacity: 1 },
    { name: 'not-warm', schedule: end, minCapacity: 0 },
  ].map(({ name, schedule, minCapacity }) => ({
    scheduledActionName: name,
    schedule,
    timezone: warm.timeZone,
    scalableTargetAction: { minCapacity },
  }));
}

/** In and out between one and the most. Scale-in waits for about 15 quiet minutes. */
function scaleOnBacklog(scope: Construct, target: CfnScalableTarget, endpointName: string): void {
  new CfnScalingPolicy(scope, 'BacklogPolicy', {
    policyName: `${endpointName}-backlog`,
    policyType: 'TargetTrackingScaling',
    scalingTargetId: target.ref,
    targetTrackingScalingPolicyConfiguration: {
      targetValue: ORDER_FLOW.backlogTarget,
      scaleInCooldown: COOLDOWN_SECONDS,
      scaleOutCooldown: COOLDOWN_SECONDS,
      customizedMetricSpecification: {
        metricName: 'ApproximateBacklogSizePerInstance',
        namespace: 'AWS/SageMaker',
        statistic: 'Average',
        dimensions: [{ name: 'EndpointName', value: endpointName }],
      },
    },
  });
}

/** From zero to one. With no instance there is no backlog per instance, so this is an alarm's work. */
function wakeFromZero(scope: Construct, target: CfnScalableTarget, endpointName: string): void {
  const policy = new CfnScalingPolicy(scope, 'WakePolicy', {
    policyName: `${endpointName}-wake`,
    policyType: 'StepScaling',
    scalingTargetId: target.ref,
    stepScalingPolicyConfiguration: {
      adjustmentType: 'ChangeInCapacity',
      cooldown: COOLDOWN_SECONDS,
      metricAggregationType: 'Maximum',
      stepAdjustments: [{ metricIntervalLowerBound: 0, scalingAdjustment: 1 }],
    },
  });
  const alarm = new Alarm(scope, 'WakeAlarm', {
    alarmDescription: `${endpointName} has jobs and no instance: one is started.`,
    metric: endpointMetric(
      endpointName,
      'HasBacklogWithoutCapacity',
      Stats.MAXIMUM,
      Duration.minutes(1),
    ),
    threshold: 1,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  alarm.addAlarmAction({ bind: () => ({ alarmActionArn: policy.attrArn }) });
}
