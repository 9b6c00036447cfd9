import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { AlarmSpec, AlarmSpecs } from '#infra/constructs/alarm.ts';
import { FIVE_MINUTES } from '#infra/constructs/alarm.ts';
import type { Watched } from '#infra/operations/watched.ts';
import { TABLE_SCHEMA } from '#shared/adapters/dynamo/table-schema.ts';
import { defined } from '#shared/core/defined.ts';

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
    // CloudFront's metrics are in us-east-1 only, and alarms see no other region's.
    ...(data.settings.region === 'us-east-1' && { DistributionErrors: distributionErrors(api) }),
    TableThrottles: {
      says: "DynamoDB throttles: a hot account, or the ceiling of the table's or an index's request units.",
      metric: tableThrottles(data),
      threshold: 10,
    },
  };
}

/** 5xx that the API never saw too: the edge function's own failures, and an API that is too slow. */
function distributionErrors(api: Watched['api']): AlarmSpec {
  return {
    says: 'More than 5 % of all answers are 5xx. If the API has none, look at the edge function: its logs are in the regions of the viewers.',
    metric: new Metric({
      namespace: 'AWS/CloudFront',
      metricName: '5xxErrorRate',
      dimensionsMap: { DistributionId: api.distribution.distributionId, Region: 'Global' },
      statistic: Stats.AVERAGE,
      period: FIVE_MINUTES,
    }),
    threshold: 5,
    periods: 2,
  };
}

/** Reads and writes that were turned away, of the table and of each index, which counts for itself. */
function tableThrottles(data: Watched['data']): MathExpression {
  const sources = [undefined, ...TABLE_SCHEMA.indexes.map(({ name }) => name)];
  const metrics = sources.flatMap((index, place) =>
    ['ReadThrottleEvents', 'WriteThrottleEvents'].map(
      (name, kind) => [`m${2 * place + kind}`, tableMetric(data, name, index)] as const,
    ),
  );
  return new MathExpression({
    label: 'Throttled requests',
    expression: metrics.map(([id]) => `FILL(${id}, 0)`).join(' + '),
    period: FIVE_MINUTES,
    usingMetrics: Object.fromEntries(metrics),
  });
}

function tableMetric(
  { table }: Watched['data'],
  metricName: string,
  index: string | undefined,
): Metric {
  return new Metric({
    namespace: 'AWS/DynamoDB',
    metricName,
    dimensionsMap: {
      TableName: table.tableName,
      ...defined({ GlobalSecondaryIndexName: index }),
    },
    statistic: Stats.SUM,
    period: FIVE_MINUTES,
  });
}
