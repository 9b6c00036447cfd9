import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { AlarmSpec, AlarmSpecs } from '#infra/constructs/alarm.ts';
import { FIVE_MINUTES } from '#infra/constructs/alarm.ts';
import type { AsyncEndpoint } from '#infra/gpu/async-endpoint.ts';
import { endpointMetric, variantMetric } from '#infra/gpu/endpoint-metrics.ts';
import { instanceHours, instanceSamples } from '#infra/operations/instance-hours.ts';
import type { Watched } from '#infra/operations/watched.ts';
import { dailyInstanceHours } from '#shared/deployment/settings.ts';

const MINUTE = Duration.minutes(1);
const HOUR = Duration.hours(1);

/** What can go wrong inside SageMaker, for each endpoint. */
export function endpointAlarms({ gpu }: Watched): AlarmSpecs {
  return Object.fromEntries(
    gpu.endpoints.flatMap((endpoint) =>
      Object.entries(alarmsOf(endpoint)).map(([name, spec]) => [
        `${endpoint.node.id}${name}`,
        spec,
      ]),
    ),
  );
}

function alarmsOf(endpoint: AsyncEndpoint): AlarmSpecs {
  const { endpointName } = endpoint;
  const variantSum = (name: string) => variantMetric(endpointName, name, Stats.SUM, FIVE_MINUTES);
  return {
    OldestRequest: {
      says: `A job has waited 20 minutes inside ${endpointName}: longer than a cold start. Look whether an instance comes up.`,
      metric: endpointMetric(endpointName, 'ApproximateAgeOfOldestRequest', Stats.MAXIMUM, MINUTE),
      threshold: 1_200,
      periods: 3,
    },
    Backlog: {
      says: `${endpointName} has had more than 50 jobs inside SageMaker for 15 minutes.`,
      metric: endpointMetric(endpointName, 'ApproximateBacklogSize', Stats.MAXIMUM, FIVE_MINUTES),
      threshold: 50,
      periods: 3,
    },
    InvocationFailures: {
      says: `Jobs fail inside ${endpointName}. Its log group says why.`,
      metric: variantSum('InvocationFailures'),
      threshold: 3,
    },
    ExpiredRequests: {
      says: `Jobs expired in the queue of ${endpointName} before an instance took them.`,
      metric: variantSum('ExpiredRequests'),
      threshold: 1,
    },
    NotificationFailures: {
      says: `${endpointName} could not tell of an ended job. The sweep settles it; look at the topics' policies.`,
      metric: variantSum('NotificationFailures'),
      threshold: 1,
    },
    Zombie: {
      says: `${endpointName} has had instances for six hours without one job. Look at its scaling; "onestep pause" stops it.`,
      metric: idleWithInstances(endpoint),
      threshold: 1,
      periods: 6,
    },
  };
}

/** 1 in an hour with instances and without a processed job, else 0. */
function idleWithInstances(endpoint: AsyncEndpoint): MathExpression {
  return new MathExpression({
    label: 'Idle with instances',
    expression: 'IF(FILL(instances, 0) > 0 AND FILL(jobs, 0) == 0, 1, 0)',
    period: HOUR,
    usingMetrics: {
      instances: instanceSamples(endpoint, HOUR),
      jobs: variantMetric(endpoint.endpointName, 'InvocationsProcessed', Stats.SUM, HOUR),
    },
  });
}

/** Instance-hours in a day: this one throws the kill switch. */
export function instanceHoursAlarm({ gpu, data }: Watched): AlarmSpec {
  const limit = dailyInstanceHours(data.settings);
  return {
    says: `The endpoints ran for ${limit} instance-hours in a day: the kill switch has turned them off. "onestep resume" turns them on.`,
    metric: instanceHours(gpu.endpoints, Duration.days(1)),
    threshold: limit,
  };
}
