import { describe, expect, it } from 'vitest';
import { TABLE_SCHEMA } from '#shared/adapters/dynamo/table-schema.ts';
import { readFromRoot } from '#test/helpers/root.ts';
import { everyResource, synthesise } from '#test/helpers/synthesise.ts';
import { dev } from './templates.ts';

describe('operation', () => {
  const alarms = everyResource(dev, 'AWS::CloudWatch::Alarm');

  it('#8 watches anomalies by whatever the account allows: by tag, an existing monitor, or not', () => {
    const arn = 'arn:aws:ce::123456789012:anomalymonitor/abc';
    const operations = (anomalyMonitor: string) =>
      synthesise({ 'onestep:anomalyMonitor': anomalyMonitor }).templates.operations;
    operations(arn).resourceCountIs('AWS::CE::AnomalyMonitor', 0);
    operations(arn).hasResourceProperties('AWS::CE::AnomalySubscription', {
      MonitorArnList: [arn],
    });
    operations('none').resourceCountIs('AWS::CE::AnomalyMonitor', 0);
    operations('none').resourceCountIs('AWS::CE::AnomalySubscription', 0);
  });

  it('#9 has an alarm for each thing that goes wrong, all to one topic', () => {
    const ids = alarms.map(([, id]) => id.replace(/[0-9A-F]{8}$/, ''));
    expect(ids).toEqual(
      expect.arrayContaining([
        'OnestepDemoOldestRequest',
        'OnestepDemoBacklog',
        'OnestepDemoInvocationFailures',
        'OnestepDemoExpiredRequests',
        'OnestepDemoNotificationFailures',
        'OnestepDemoZombie',
        'InstanceHours',
        'ServerErrors',
        'ApiErrors',
        'ApiThrottles',
        'WebhookDeadLetters',
        'CompletionDeadLetters',
        'LedgerMismatch',
        'TableThrottles',
        'BlockedRequests',
        'DistributionErrors',
        'DispatchDeadLetters',
        'LostCompletedDeadLetters',
        'LostFailedDeadLetters',
        'SweepDeadLetters',
        'KillSwitchDeadLetters',
      ]),
    );
    // What throttles is often an index: each has a ceiling of its own.
    const throttles = alarms.find(([, id]) => id.startsWith('TableThrottles'))?.[2].Properties;
    const measured = JSON.stringify(throttles.Metrics);
    for (const { name } of TABLE_SCHEMA.indexes) expect(measured).toContain(`"${name}"`);
    const watching = alarms.filter(([part]) => part === 'operations' || part === 'edge');
    const topics = watching.map(([, , { Properties }]) =>
      JSON.stringify(Properties.AlarmActions[0]),
    );
    expect(new Set(topics).size).toBe(1);
    expect(topics[0]).toContain('Alarms');
  });

  it('#10 has one dashboard with queue age, cold share, latencies, money, states, webhooks', () => {
    const [dashboard] = everyResource(dev, 'AWS::CloudWatch::Dashboard');
    const body = JSON.stringify(dashboard?.[2].Properties.DashboardBody);
    for (const metric of [
      'ApproximateAgeOfOldestRequest',
      'ColdJobs',
      'JobTotalMs',
      'JobGpuMs',
      'p95',
      'USD per image',
      'JobsSucceeded',
      'WebhooksDelivered',
      'CapturedMicroUsd',
    ]) {
      expect(body, metric).toContain(metric);
    }
    expect(everyResource(dev, 'AWS::CloudWatch::Dashboard')).toHaveLength(1);
  });

  it('#11 looks at quotas before deploying: test/unit/cli/deploy/preflight.test.ts', () => {
    expect(readFromRoot('functions/cli/commands.ts')).toContain('preflight');
  });
});
