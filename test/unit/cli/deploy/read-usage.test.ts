import type { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { expect, it } from 'vitest';
import { readUsage } from '#functions/cli/deploy/read-usage.ts';
import { actualCost } from '#shared/deployment/actual-cost.ts';
import { parseSettings } from '#shared/deployment/settings.ts';

const settings = parseSettings({
  'onestep:models': [
    { name: 'a/one', digest: 'a'.repeat(64), instance: ['ml.g6.xlarge', 'ml.g5.xlarge'] },
    { name: 'a/two', digest: 'b'.repeat(64), compute: 'lambda' },
  ],
});
const period = { from: new Date('2026-11-01'), to: new Date('2026-11-02') };

/** What an account would answer, by namespace and name; in two pages, as long periods are. */
const VALUES: Readonly<Record<string, readonly number[]>> = {
  'onestep/dev Images': [400, 600],
  'AWS/Lambda Duration': [500_000, 500_000],
  'AWS/Lambda Invocations': [4_000],
  'AWS/DynamoDB ConsumedWriteCapacityUnits': [30_000, 10_000],
  'AWS/DynamoDB ConsumedReadCapacityUnits': [8_000],
  '/aws/sagemaker/Endpoints CPUUtilization': [60, 30],
};

const client = {
  async send({ input }: GetMetricDataCommand) {
    const page = input.NextToken === undefined ? 0 : 1;
    return {
      MetricDataResults: input.MetricDataQueries?.map(({ Id, MetricStat }) => {
        const { Namespace, MetricName } = MetricStat?.Metric ?? {};
        const value = VALUES[`${Namespace} ${MetricName}`]?.[page];
        return { Id, Values: value === undefined ? [] : [value] };
      }),
      ...(page === 0 && { NextToken: 'second' }),
    };
  },
} as unknown as CloudWatchClient;

it("adds up what the account's metrics say, and prices it", async () => {
  const usage = await readUsage(client, settings, 'table', period);
  expect(usage).toEqual({
    images: 1_000,
    endpoints: [{ endpoint: 'onestep-dev-a-one', hours: 1.5, usdPerHour: 1.408 }],
    functionSeconds: 1_000,
    functionCalls: 4_000,
    writeUnits: 40_000,
    readUnits: 8_000,
  });
  const lines = actualCost(usage);
  expect(lines.map(({ what }) => what)).toEqual([
    'instances of onestep-dev-a-one',
    "the region's functions",
    'table',
  ]);
  expect(lines[0]?.usd).toBeCloseTo(1.5 * 1.408, 9);
  expect(lines[2]?.usd).toBeCloseTo(0.025 + 0.001, 9);
});
