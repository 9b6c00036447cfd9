import {
  type CloudWatchClient,
  GetMetricDataCommand,
  type MetricDataQuery,
} from '@aws-sdk/client-cloudwatch';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import type { Usage } from '#shared/deployment/actual-cost.ts';
import { dearestPerHour } from '#shared/deployment/cost.ts';
import { endpointName, PROJECT, VARIANT_NAME } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

const HOUR_SECONDS = 3_600;

interface Wanted {
  readonly namespace: string;
  readonly name: string;
  readonly statistic: 'Sum' | 'SampleCount';
  readonly dimensions?: Readonly<Record<string, string>>;
}

/** How much of everything was used in the last days, by the account's own metrics. */
export async function readUsage(
  client: Pick<CloudWatchClient, 'send'>,
  settings: DeploymentSettings,
  tableName: string,
  period: { readonly from: Date; readonly to: Date },
): Promise<Usage> {
  const endpoints = settings.models.filter(hasInstances).map(({ name, instance }) => ({
    endpoint: endpointName(settings.stage, name),
    usdPerHour: dearestPerHour(instance),
  }));
  const table = (name: string): Wanted => ({
    namespace: 'AWS/DynamoDB',
    name,
    statistic: 'Sum',
    dimensions: { TableName: tableName },
  });
  const sums = await sumsOf(client, period, {
    images: { namespace: `${PROJECT}/${settings.stage}`, name: 'Images', statistic: 'Sum' },
    durations: { namespace: 'AWS/Lambda', name: 'Duration', statistic: 'Sum' },
    calls: { namespace: 'AWS/Lambda', name: 'Invocations', statistic: 'Sum' },
    written: table('ConsumedWriteCapacityUnits'),
    read: table('ConsumedReadCapacityUnits'),
    // Each instance reports once a minute: reports are instance-minutes.
    ...Object.fromEntries(
      endpoints.map(({ endpoint }, index) => [
        `endpoint${index}`,
        {
          namespace: '/aws/sagemaker/Endpoints',
          name: 'CPUUtilization',
          statistic: 'SampleCount',
          dimensions: { EndpointName: endpoint, VariantName: VARIANT_NAME },
        } satisfies Wanted,
      ]),
    ),
  });
  const sum = (id: string) => sums.get(id) ?? 0;
  return {
    images: sum('images'),
    endpoints: endpoints.map((endpoint, index) => ({
      ...endpoint,
      hours: sum(`endpoint${index}`) / 60,
    })),
    functionSeconds: sum('durations') / 1_000,
    functionCalls: sum('calls'),
    writeUnits: sum('written'),
    readUnits: sum('read'),
  };
}

/** The sum of each metric over the whole period, page after page. */
async function sumsOf(
  client: Pick<CloudWatchClient, 'send'>,
  { from, to }: { readonly from: Date; readonly to: Date },
  wanted: Readonly<Record<string, Wanted>>,
): Promise<ReadonlyMap<string, number>> {
  const queries = Object.entries(wanted).map(
    ([Id, { namespace, name, statistic, dimensions = {} }]): MetricDataQuery => ({
      Id,
      MetricStat: {
        Metric: {
          Namespace: namespace,
          MetricName: name,
          Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        },
        Period: HOUR_SECONDS,
        Stat: statistic,
      },
    }),
  );
  const sums = new Map<string, number>();
  let token: string | undefined;
  do {
    const page = await client.send(
      new GetMetricDataCommand({
        MetricDataQueries: queries,
        StartTime: from,
        EndTime: to,
        NextToken: token,
      }),
    );
    for (const { Id = '', Values = [] } of page.MetricDataResults ?? []) {
      sums.set(
        Id,
        Values.reduce((total, value) => total + value, sums.get(Id) ?? 0),
      );
    }
    token = page.NextToken;
  } while (token !== undefined);
  return sums;
}
