import { randomUUID } from 'node:crypto';
import { CloudWatchClient, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { expect, it } from 'vitest';
import { readUsage } from '#functions/cli/deploy/read-usage.ts';
import { parseSettings } from '#shared/deployment/settings.ts';
import { accessTo } from '#test/helpers/aws-stand-ins.ts';

const HOUR_MS = 3_600_000;

it('what was used is read through the wire: images, instance-minutes, functions, the table', async () => {
  const client = new CloudWatchClient(accessTo('moto'));
  const settings = parseSettings({
    'onestep:models': [{ name: 'a/one', digest: 'a'.repeat(64), instance: ['ml.g6.xlarge'] }],
  });
  const table = `table-${randomUUID()}`;
  const now = Date.now();
  const put = async (
    Namespace: string,
    MetricName: string,
    values: readonly number[],
    dimensions: Readonly<Record<string, string>> = {},
  ) => {
    const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
    const MetricData = values.map((Value, index) => ({
      MetricName,
      Value,
      Dimensions,
      Timestamp: new Date(now - (index + 1) * HOUR_MS),
    }));
    await client.send(new PutMetricDataCommand({ Namespace, MetricData }));
  };
  const endpoint = { EndpointName: 'onestep-dev-a-one', VariantName: 'gpu' };
  await put('onestep/dev', 'Images', [400, 600]);
  await put('AWS/Lambda', 'Duration', [2_000, 3_000]);
  await put('AWS/Lambda', 'Invocations', [4, 6]);
  await put('AWS/DynamoDB', 'ConsumedWriteCapacityUnits', [30, 10], { TableName: table });
  await put('AWS/DynamoDB', 'ConsumedReadCapacityUnits', [8], { TableName: table });
  // Others' are not counted.
  await put('AWS/DynamoDB', 'ConsumedReadCapacityUnits', [1_000], { TableName: 'another' });
  await put('/aws/sagemaker/Endpoints', 'CPUUtilization', [12, 90, 40], endpoint);

  const usage = await readUsage(client, settings, table, {
    from: new Date(now - 24 * HOUR_MS),
    to: new Date(now),
  });
  expect(usage).toMatchObject({
    images: 1_000,
    functionSeconds: 5,
    functionCalls: 10,
    writeUnits: 40,
    readUnits: 8,
    endpoints: [{ endpoint: 'onestep-dev-a-one', hours: 3 / 60 }],
  });
});
