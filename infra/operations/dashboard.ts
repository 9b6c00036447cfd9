import { Duration } from 'aws-cdk-lib';
import {
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { FIVE_MINUTES } from '#infra/constructs/alarm.ts';
import { endpointMetric } from '#infra/gpu/endpoint-metrics.ts';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { dearestPerHour } from '#shared/deployment/cost.ts';
import { PROJECT } from '#shared/deployment/names.ts';
import { instanceHours, instanceSamples } from './instance-hours.ts';
import { type LogMetricName, logMetric } from './log-metrics.ts';
import { regionalFunctions, type Watched } from './watched.ts';

const HOUR = Duration.hours(1);
const HALF = 12;
const HEIGHT = 6;

/** The one page that says how the deployment is. */
export function createDashboard(scope: Construct, watched: Watched, namespace: string): Dashboard {
  const { settings } = watched.data;
  const read = (name: LogMetricName, statistic: string, period = FIVE_MINUTES) =>
    logMetric(namespace, name, statistic, period);
  const dashboard = new Dashboard(scope, 'Dashboard', {
    dashboardName: `${PROJECT}-${settings.stage}`,
    defaultInterval: Duration.hours(12),
  });
  const rows: IWidget[][] = [
    [new TextWidget({ width: 24, height: 2, markdown: heading(watched) })],
    [
      graph(
        'Age of the oldest job in SageMaker (s)',
        endpointMetrics(watched, 'ApproximateAgeOfOldestRequest'),
      ),
      graph('Jobs inside SageMaker', endpointMetrics(watched, 'ApproximateBacklogSize')),
    ],
    [
      graph('Cold and warm', [read('coldJobs', Stats.SUM), read('warmJobs', Stats.SUM)], true),
      graph(
        'Jobs by state',
        [
          read('jobsSucceeded', Stats.SUM),
          read('jobsFailed', Stats.SUM),
          read('jobsCanceled', Stats.SUM),
        ],
        true,
      ),
    ],
    [
      graph('Order to end (ms): p50, p95', [read('jobTotalMs', 'p50'), read('jobTotalMs', 'p95')]),
      graph('On the GPU (ms): p50, p95', [read('jobGpuMs', 'p50'), read('jobGpuMs', 'p95')]),
    ],
    ...(watched.gpu.endpoints.length === 0
      ? []
      : [
          [
            graph('Instance-hours', [instanceHours(watched.gpu.endpoints, HOUR)]),
            graph('GPU dollars per image', [
              dollarsPerImage(watched, read('images', Stats.SUM, HOUR)),
            ]),
          ],
        ]),
    [
      graph(
        'Webhook attempts',
        [
          read('webhooksDelivered', Stats.SUM),
          read('webhooksFailed', Stats.SUM),
          read('webhooksAbandoned', Stats.SUM),
        ],
        true,
      ),
      graph('Credits in and out (micro-USD)', [
        read('grantedMicroUsd', Stats.SUM),
        read('capturedMicroUsd', Stats.SUM),
      ]),
    ],
    [
      graph('Errors by function', functionMetrics(watched, 'errors')),
      graph('Duration by function (ms, p95)', functionMetrics(watched, 'duration')),
    ],
  ];
  for (const row of rows) dashboard.addWidgets(...row);
  return dashboard;
}

function heading({ api, data }: Watched): string {
  return `# Onestep (${data.settings.stage})\n${api.publicUrl} · models: ${data.settings.models
    .map((model) =>
      hasInstances(model)
        ? `${model.name} on ${model.instance.join(' or ')}, at most ${model.maxInstances}`
        : `${model.name} on Lambda`,
    )
    .join('; ')}`;
}

function graph(title: string, left: IMetric[], stacked = false): GraphWidget {
  return new GraphWidget({ title, left, stacked, width: HALF, height: HEIGHT });
}

function endpointMetrics({ gpu }: Watched, name: string): IMetric[] {
  return gpu.endpoints.map(({ endpointName }) =>
    endpointMetric(endpointName, name, Stats.MAXIMUM, FIVE_MINUTES),
  );
}

function functionMetrics(watched: Watched, what: 'errors' | 'duration'): IMetric[] {
  return Object.entries(regionalFunctions(watched)).map(([label, { function: target }]) =>
    what === 'errors'
      ? target.metricErrors({ label, period: FIVE_MINUTES })
      : target.metricDuration({ label, period: FIVE_MINUTES, statistic: 'p95' }),
  );
}

/** Instance-hours at list price over images made in the same hour; idle time is in it. */
function dollarsPerImage({ gpu, data }: Watched, images: IMetric): MathExpression {
  const hourly = data.settings.models
    .filter(hasInstances)
    .map((model) => dearestPerHour(model.instance));
  const names = gpu.endpoints.map((_, index) => `h${index}`);
  return new MathExpression({
    label: 'USD per image',
    expression: `(${names.map((name, index) => `FILL(${name}, 0) / 60 * ${hourly[index]}`).join(' + ')}) / images`,
    period: HOUR,
    usingMetrics: {
      images,
      ...Object.fromEntries(
        gpu.endpoints.map((endpoint, index) => [`h${index}`, instanceSamples(endpoint, HOUR)]),
      ),
    },
  });
}
