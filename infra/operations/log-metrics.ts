import type { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type IFilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { ServiceFunction } from '#infra/constructs/service-function.ts';

/** A metric that is read off the functions' JSON log lines: those with this `event`. */
export interface LogMetric {
  readonly event: LogEvent;
  /** The line's field that is measured; absent = lines are counted. */
  readonly field?: string;
  /** Counts only lines whose field has this value. */
  readonly only?: readonly [field: string, value: string];
}

/** Who writes the lines of each event. */
const WRITERS = {
  'job-settled': ['api', 'complete', 'dispatch', 'sweep'],
  'credit-granted': ['api'],
  'webhook-attempted': ['webhooks'],
  'ledger-mismatch': ['sweep'],
} as const;
type LogEvent = keyof typeof WRITERS;
type Writer = (typeof WRITERS)[LogEvent][number];

/** What becomes of the lines. Fields of money are in micro-USD. */
export const LOG_METRICS = {
  jobsSucceeded: { event: 'job-settled', only: ['status', 'succeeded'] },
  jobsFailed: { event: 'job-settled', only: ['status', 'failed'] },
  jobsCanceled: { event: 'job-settled', only: ['status', 'canceled'] },
  coldJobs: { event: 'job-settled', only: ['start', 'cold'] },
  warmJobs: { event: 'job-settled', only: ['start', 'warm'] },
  jobTotalMs: { event: 'job-settled', field: 'totalMs' },
  jobGpuMs: { event: 'job-settled', field: 'gpuMs' },
  images: { event: 'job-settled', field: 'images' },
  capturedMicroUsd: { event: 'job-settled', field: 'costMicroUsd' },
  grantedMicroUsd: { event: 'credit-granted', field: 'amountMicroUsd' },
  webhooksDelivered: { event: 'webhook-attempted', only: ['outcome', 'delivered'] },
  webhooksFailed: { event: 'webhook-attempted', only: ['outcome', 'retry'] },
  webhooksAbandoned: { event: 'webhook-attempted', only: ['outcome', 'abandoned'] },
  ledgerMismatch: { event: 'ledger-mismatch' },
} as const satisfies Record<string, LogMetric>;

export type LogMetricName = keyof typeof LOG_METRICS;

/** Reads each metric off the logs of those who write its event. */
export function createLogMetrics(
  scope: Construct,
  namespace: string,
  functions: Readonly<Record<Writer, ServiceFunction>>,
): void {
  for (const [name, metric] of Object.entries<LogMetric>(LOG_METRICS)) {
    for (const writer of WRITERS[metric.event]) {
      new MetricFilter(scope, `${name}-${writer}`, {
        logGroup: functions[writer].logGroup,
        metricNamespace: namespace,
        metricName: metricName(name),
        filterPattern: pattern(metric),
        metricValue: metric.field === undefined ? '1' : `$.${metric.field}`,
      });
    }
  }
}

export function logMetric(
  namespace: string,
  name: LogMetricName,
  statistic: string,
  period: Duration,
): Metric {
  return new Metric({ namespace, metricName: metricName(name), statistic, period });
}

/** As CloudWatch's own metrics are written: `JobsSucceeded`. */
function metricName(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function pattern(metric: LogMetric): IFilterPattern {
  const event = FilterPattern.stringValue('$.event', '=', metric.event);
  if (metric.only !== undefined) {
    const [field, value] = metric.only;
    return FilterPattern.all(event, FilterPattern.stringValue(`$.${field}`, '=', value));
  }
  if (metric.field !== undefined) {
    return FilterPattern.all(event, FilterPattern.exists(`$.${metric.field}`));
  }
  return event;
}
