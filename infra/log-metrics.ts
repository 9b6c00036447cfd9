import type { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type IFilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { ServiceFunction } from './constructs/service-function.ts';

/** A metric that is read off the functions' JSON log lines: those with this `event`. */
export interface LogMetric {
  readonly name: string;
  readonly event: string;
  /** The line's field that is measured; absent = lines are counted. */
  readonly field?: string;
  /** Counts only lines whose field has this value. */
  readonly only?: { readonly field: string; readonly value: string };
}

/** What the functions log as events, and what it becomes. Fields of money are in micro-USD. */
export const LOG_METRICS = {
  jobsSucceeded: {
    name: 'JobsSucceeded',
    event: 'job-settled',
    only: { field: 'status', value: 'succeeded' },
  },
  jobsFailed: {
    name: 'JobsFailed',
    event: 'job-settled',
    only: { field: 'status', value: 'failed' },
  },
  jobsCanceled: {
    name: 'JobsCanceled',
    event: 'job-settled',
    only: { field: 'status', value: 'canceled' },
  },
  totalMs: { name: 'JobTotalMs', event: 'job-settled', field: 'totalMs' },
  gpuMs: { name: 'JobGpuMs', event: 'job-settled', field: 'gpuMs' },
  coldJobs: { name: 'ColdJobs', event: 'job-settled', only: { field: 'start', value: 'cold' } },
  warmJobs: { name: 'WarmJobs', event: 'job-settled', only: { field: 'start', value: 'warm' } },
  images: { name: 'Images', event: 'job-settled', field: 'images' },
  capturedMicroUsd: { name: 'CapturedMicroUsd', event: 'job-settled', field: 'costMicroUsd' },
  grantedMicroUsd: { name: 'GrantedMicroUsd', event: 'credit-granted', field: 'amountMicroUsd' },
  webhooksDelivered: {
    name: 'WebhooksDelivered',
    event: 'webhook-attempted',
    only: { field: 'outcome', value: 'delivered' },
  },
  webhooksFailed: {
    name: 'WebhooksFailed',
    event: 'webhook-attempted',
    only: { field: 'outcome', value: 'retry' },
  },
  webhooksAbandoned: {
    name: 'WebhooksAbandoned',
    event: 'webhook-attempted',
    only: { field: 'outcome', value: 'abandoned' },
  },
  ledgerMismatch: { name: 'LedgerMismatch', event: 'ledger-mismatch' },
} as const satisfies Record<string, LogMetric>;

export type LogMetricName = keyof typeof LOG_METRICS;

/** Reads the metric off every one of these functions' logs. */
export function createLogMetrics(
  scope: Construct,
  namespace: string,
  functions: Readonly<Record<string, ServiceFunction>>,
): void {
  for (const [key, metric] of Object.entries<LogMetric>(LOG_METRICS)) {
    for (const [name, source] of Object.entries(functions)) {
      new MetricFilter(scope, `${key}-${name}`, {
        logGroup: source.logGroup,
        metricNamespace: namespace,
        metricName: metric.name,
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
  return new Metric({ namespace, metricName: LOG_METRICS[name].name, statistic, period });
}

function pattern(metric: LogMetric): IFilterPattern {
  const event = FilterPattern.stringValue('$.event', '=', metric.event);
  if (metric.only !== undefined) {
    const { field, value } = metric.only;
    return FilterPattern.all(event, FilterPattern.stringValue(`$.${field}`, '=', value));
  }
  if (metric.field !== undefined) {
    return FilterPattern.all(event, FilterPattern.exists(`$.${metric.field}`));
  }
  return event;
}
