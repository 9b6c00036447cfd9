import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { VARIANT_NAME } from '#functions/cli/deploy/names.ts';
import { logMetric } from '#infra/log-metrics.ts';
import type { Watched } from '#infra/watched.ts';
import type { AsyncEndpoint } from './async-endpoint.ts';
import type { KillSwitch } from './kill-switch.ts';
import type { ServiceFunction } from './service-function.ts';

export interface AlarmsProps {
  readonly watched: Watched;
  readonly killSwitch: KillSwitch;
  /** Of the metrics that are read off logs. */
  readonly namespace: string;
}

interface AlarmSpec {
  /** What it means and what to look at first: the mail's text. */
  readonly says: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** @default 1 */
  readonly periods?: number;
}

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);
const HOUR = Duration.hours(1);

/** Every alarm of the region, all to one topic; the one on instance-hours also throws the switch. */
export function createAlarms(scope: Construct, props: AlarmsProps): void {
  const { watched, killSwitch, namespace } = props;
  const topic = watched.data.alarmTopic;
  const specs: Record<string, AlarmSpec> = {
    ...endpointAlarms(watched),
    ...functionAlarms(watched, killSwitch),
    ...queueAlarms(watched, killSwitch),
    ...apiAlarms(watched),
    LedgerMismatch: {
      says: 'Balances and holds differ from grants less captures and expiries. Stop granting and read docs/operations.md, "The ledger disagrees".',
      metric: logMetric(namespace, 'ledgerMismatch', Stats.SUM, FIVE_MINUTES),
      threshold: 1,
    },
    JobsFailed: {
      says: 'Jobs fail. Look at their error codes in the log of the complete function.',
      metric: logMetric(namespace, 'jobsFailed', Stats.SUM, FIVE_MINUTES),
      threshold: 10,
    },
  };
  for (const [id, spec] of Object.entries(specs)) createAlarm(scope, id, spec, topic);
  const tooLong = createAlarm(scope, 'InstanceHours', instanceHoursAlarm(watched), topic);
  tooLong.addAlarmAction(new SnsAction(killSwitch.topic));
}

function createAlarm(scope: Construct, id: string, spec: AlarmSpec, topic: Topic): Alarm {
  const alarm = new Alarm(scope, id, {
    alarmDescription: spec.says,
    metric: spec.metric,
    threshold: spec.threshold,
    evaluationPeriods: spec.periods ?? 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  alarm.addAlarmAction(new SnsAction(topic));
  return alarm;
}

function endpointAlarms({ gpu }: Watched): Record<string, AlarmSpec> {
  return Object.fromEntries(
    gpu.endpoints.flatMap((endpoint) => {
      const { endpointName } = endpoint;
      const variantSum = (name: string) => endpoint.variantMetric(name, Stats.SUM, FIVE_MINUTES);
      return [
        [
          `${endpoint.node.id}OldestRequest`,
          {
            says: `A job has waited 20 minutes inside ${endpointName}: longer than a cold start. Look whether an instance comes up.`,
            metric: endpoint.endpointMetric('ApproximateAgeOfOldestRequest', Stats.MAXIMUM, MINUTE),
            threshold: 1_200,
            periods: 3,
          },
        ],
        [
          `${endpoint.node.id}Backlog`,
          {
            says: `${endpointName} has had more than 50 jobs inside SageMaker for 15 minutes.`,
            metric: endpoint.endpointMetric('ApproximateBacklogSize', Stats.MAXIMUM, FIVE_MINUTES),
            threshold: 50,
            periods: 3,
          },
        ],
        [
          `${endpoint.node.id}InvocationFailures`,
          {
            says: `Jobs fail inside ${endpointName}. Its log group says why.`,
            metric: variantSum('InvocationFailures'),
            threshold: 3,
          },
        ],
        [
          `${endpoint.node.id}ExpiredRequests`,
          {
            says: `Jobs expired in the queue of ${endpointName} before an instance took them.`,
            metric: variantSum('ExpiredRequests'),
            threshold: 1,
          },
        ],
        [
          `${endpoint.node.id}NotificationFailures`,
          {
            says: `${endpointName} could not tell of an ended job. The sweep settles it; look at the topics' policies.`,
            metric: variantSum('NotificationFailures'),
            threshold: 1,
          },
        ],
        [
          `${endpoint.node.id}Zombie`,
          {
            says: `${endpointName} has had instances for six hours without one job. Look at its scaling; "onestep pause" stops it.`,
            metric: idleWithInstances(endpoint),
            threshold: 1,
            periods: 6,
          },
        ],
      ] satisfies [string, AlarmSpec][];
    }),
  );
}

/** 1 in an hour with instances and without a processed job, else 0. */
function idleWithInstances(endpoint: AsyncEndpoint): MathExpression {
  return new MathExpression({
    label: 'Idle with instances',
    expression: 'IF(FILL(instances, 0) > 0 AND FILL(jobs, 0) == 0, 1, 0)',
    period: HOUR,
    usingMetrics: {
      instances: instanceSamples(endpoint, HOUR),
      jobs: endpoint.variantMetric('InvocationsProcessed', Stats.SUM, HOUR),
    },
  });
}

/** Each instance reports its CPU once a minute, so the number of reports is instance-minutes. */
export function instanceSamples(endpoint: AsyncEndpoint, period: Duration): Metric {
  return new Metric({
    namespace: '/aws/sagemaker/Endpoints',
    metricName: 'CPUUtilization',
    dimensionsMap: { EndpointName: endpoint.endpointName, VariantName: VARIANT_NAME },
    statistic: Stats.SAMPLE_COUNT,
    period,
  });
}

function instanceHoursAlarm({ gpu, data }: Watched): AlarmSpec {
  const limit = data.settings.dailyInstanceHours;
  return {
    says: `The endpoints ran for ${limit} instance-hours in a day: the kill switch has turned them off. "onestep resume" turns them on.`,
    metric: instanceHours(gpu.endpoints, Duration.days(1)),
    threshold: limit,
  };
}

/** Instance-hours of all endpoints in each period. */
export function instanceHours(
  endpoints: readonly AsyncEndpoint[],
  period: Duration,
): MathExpression {
  const names = endpoints.map((_, index) => `m${index}`);
  return new MathExpression({
    label: 'Instance-hours',
    expression: `(${names.map((name) => `FILL(${name}, 0)`).join(' + ')}) / 60`,
    period,
    usingMetrics: Object.fromEntries(
      endpoints.map((endpoint, index) => [`m${index}`, instanceSamples(endpoint, period)]),
    ),
  });
}

/** Every function of the region, by the name that its alarms and graphs have. */
export function regionalFunctions({ api, webhooks }: Watched): Record<string, ServiceFunction> {
  return {
    Api: api.api,
    Dispatch: api.dispatch,
    Complete: api.complete,
    Sweep: api.sweep,
    Webhooks: webhooks.webhooks,
  };
}

function functionAlarms(watched: Watched, killSwitch: KillSwitch): Record<string, AlarmSpec> {
  const functions = { ...regionalFunctions(watched), KillSwitch: killSwitch.switcher };
  return Object.fromEntries(
    Object.entries(functions).flatMap(([name, { function: target }]) => [
      [
        `${name}Errors`,
        {
          says: `The ${name} function fails. Its log group says why.`,
          metric: target.metricErrors({ period: FIVE_MINUTES }),
          threshold: 3,
        },
      ],
      [
        `${name}Throttles`,
        {
          says: `The ${name} function is throttled: the account's or its own concurrency is used up.`,
          metric: target.metricThrottles({ period: FIVE_MINUTES }),
          threshold: 5,
        },
      ],
    ]),
  );
}

function queueAlarms({ data, api }: Watched, killSwitch: KillSwitch): Record<string, AlarmSpec> {
  const queues = {
    DispatchDeadLetters: data.dispatchQueue.deadLetters,
    CompletionDeadLetters: api.completionQueue.deadLetters,
    WebhookDeadLetters: data.webhookQueue.deadLetters,
    LostCompletedDeadLetters: api.lostCompleted,
    LostFailedDeadLetters: api.lostFailed,
    SweepDeadLetters: api.sweepFailures,
    KillSwitchDeadLetters: killSwitch.deadLetters,
  };
  return Object.fromEntries(
    Object.entries(queues).map(([id, queue]) => [
      id,
      {
        says: `Something failed for good and lies in ${id}. docs/operations.md, "Dead letters", says how to send it back.`,
        metric: queue.metricApproximateNumberOfMessagesVisible({
          period: FIVE_MINUTES,
          statistic: Stats.MAXIMUM,
        }),
        threshold: 1,
      },
    ]),
  );
}

function apiAlarms({ api, data }: Watched): Record<string, AlarmSpec> {
  return {
    ServerErrors: {
      says: 'The API answers with 5xx. Its log group has each request by its id.',
      metric: new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'Url5xxCount',
        dimensionsMap: { FunctionName: api.api.function.functionName },
        statistic: Stats.SUM,
        period: FIVE_MINUTES,
      }),
      threshold: 10,
    },
    TableThrottles: {
      says: "DynamoDB throttles: a hot account, or the table's ceiling of request units.",
      metric: new MathExpression({
        label: 'Throttled requests',
        expression: 'FILL(reads, 0) + FILL(writes, 0)',
        period: FIVE_MINUTES,
        usingMetrics: {
          reads: tableMetric(data, 'ReadThrottleEvents'),
          writes: tableMetric(data, 'WriteThrottleEvents'),
        },
      }),
      threshold: 10,
    },
  };
}

function tableMetric(data: Watched['data'], metricName: string): Metric {
  return new Metric({
    namespace: 'AWS/DynamoDB',
    metricName,
    dimensionsMap: { TableName: data.table.tableName },
    statistic: Stats.SUM,
    period: FIVE_MINUTES,
  });
}
