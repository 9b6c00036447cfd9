import type { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { VARIANT_NAME } from '#shared/deployment/names.ts';

/** A metric that SageMaker publishes for an endpoint as a whole: its queue's. */
export function endpointMetric(
  endpointName: string,
  metricName: string,
  statistic: string,
  period: Duration,
): Metric {
  const dimensionsMap = { EndpointName: endpointName };
  return new Metric({ namespace: 'AWS/SageMaker', metricName, dimensionsMap, statistic, period });
}

/** A metric that SageMaker publishes for an endpoint's variant: its instances'. */
export function variantMetric(
  endpointName: string,
  ...measure: [metricName: string, statistic: string, period: Duration]
): Metric {
  return endpointMetric(endpointName, ...measure).with({
    dimensionsMap: { EndpointName: endpointName, VariantName: VARIANT_NAME },
  });
}
