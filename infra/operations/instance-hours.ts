import type { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { AsyncEndpoint } from '#infra/gpu/async-endpoint.ts';
import { VARIANT_NAME } from '#shared/deployment/names.ts';

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
