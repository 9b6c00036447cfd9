import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Watched } from '#infra/watched.ts';
import type { AlarmSpecs } from './alarm-spec.ts';

const FIVE_MINUTES = Duration.minutes(5);

/** What clients see of trouble, and the table behind it. */
export function apiAlarms({ api, data }: Watched): AlarmSpecs {
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
