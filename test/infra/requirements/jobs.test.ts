import { describe, expect, it } from 'vitest';
import { everyResource, Match, resourcesOf, synthesise } from '#test/helpers/synthesise.ts';
import { dev, functionsIn } from './templates.ts';

describe('jobs', () => {
  it('#12 idempotency: test/contract and test/aws (20 parallel creates); the record outlives its job in the table', () => {
    const [table] = everyResource(dev, 'AWS::DynamoDB::GlobalTable');
    expect(table?.[2].Properties.TimeToLiveSpecification).toEqual({
      AttributeName: 'ttl',
      Enabled: true,
    });
  });

  it('#13 reads completions from a queue, in batches that fail in part, six timeouts long, with dead letters', () => {
    const { api, data, webhooks } = dev.templates;
    for (const template of [api, webhooks]) {
      const mappings = Object.values(resourcesOf(template, 'AWS::Lambda::EventSourceMapping'));
      expect(mappings.length).toBeGreaterThan(0);
      for (const { Properties } of mappings) {
        expect(Properties.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
      }
    }
    const visibility = (made: typeof data, id: RegExp) =>
      Object.entries(resourcesOf(made, 'AWS::SQS::Queue')).find(
        ([name, { Properties }]) => id.test(name) && Properties.VisibilityTimeout !== undefined,
      )?.[1].Properties;
    const timeout = (made: typeof data, id: RegExp) =>
      Object.entries(resourcesOf(made, 'AWS::Lambda::Function')).find(([name]) =>
        id.test(name),
      )?.[1].Properties.Timeout;
    const pairs = [
      [visibility(api, /^CompletionQueue/), timeout(api, /^Complete/)],
      [visibility(data, /^DispatchQueue/), timeout(api, /^Dispatch/)],
      [visibility(data, /^WebhookQueue/), timeout(webhooks, /^Webhooks/)],
    ];
    for (const [queue, seconds] of pairs) {
      expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * seconds);
      expect(queue.RedrivePolicy.maxReceiveCount).toBeGreaterThan(1);
    }
    for (const subscription of Object.values(resourcesOf(api, 'AWS::SNS::Subscription'))) {
      expect(subscription.Properties.Protocol).toBe('sqs');
      expect(subscription.Properties.RedrivePolicy).toBeDefined();
    }
    // A reader that may run n times at once is never asked more often: what Lambda turns away counts as
    // a receive, and goes to the dead letters after five of those.
    const readers = new Map(functionsIn(dev));
    for (const [, id, { Properties }] of everyResource(dev, 'AWS::Lambda::EventSourceMapping')) {
      const reserved = readers.get(Properties.FunctionName.Ref)?.Properties
        .ReservedConcurrentExecutions;
      if (reserved === undefined) continue;
      expect(Properties.ScalingConfig?.MaximumConcurrency, id).toBe(reserved);
    }
    // Duplicates, reordering, loss, unknown states: test/aws/system/completions.test.ts.
  });

  it('#14 sweeps every minute, one at a time, and knows when it could not', () => {
    dev.templates.api.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      Target: { DeadLetterConfig: Match.anyValue() },
    });
    const [, sweep] = functionsIn(dev).find(([id]) => /^Sweep/.test(id)) ?? [];
    expect(sweep?.Properties.ReservedConcurrentExecutions).toBe(1);
    // A new account has none to reserve.
    const small = synthesise({ 'onestep:reserveConcurrency': false });
    for (const [id, { Properties }] of functionsIn(small)) {
      expect(Properties.ReservedConcurrentExecutions, id).toBeUndefined();
    }
    // The ledger under random faults: test/unit/domain and test/aws.
  });

  it("#15 keeps orders in flight below the target of scaling and that below the dispatcher's bound: busy is no backlog, and a second instance can start", async () => {
    const { loadDispatchConfig } = await import('#functions/dispatch/config.ts');
    const [, dispatch] = functionsIn(dev).find(([id]) => /^Dispatch/.test(id)) ?? [];
    const variables = dispatch?.Properties.Environment.Variables as Record<string, unknown>;
    const config = loadDispatchConfig({
      AWS_REGION: 'us-east-1',
      TABLE_NAME: 'table',
      OUTPUT_BUCKET_NAME: 'bucket',
      MODELS: String(variables['MODELS']),
    });
    const [endpoint] = Object.values(
      resourcesOf(dev.templates.gpu, 'AWS::SageMaker::EndpointConfig'),
    );
    const inFlight =
      endpoint?.Properties.AsyncInferenceConfig.ClientConfig.MaxConcurrentInvocationsPerInstance;
    const tracking = Object.values(
      resourcesOf(dev.templates.gpu, 'AWS::ApplicationAutoScaling::ScalingPolicy'),
    ).find(({ Properties }) => Properties.PolicyType === 'TargetTrackingScaling');
    const target = tracking?.Properties.TargetTrackingScalingPolicyConfiguration.TargetValue;
    expect([inFlight, target, config.JOBS_PER_INSTANCE]).toEqual([3, 6, 9]);
    // The function takes as many at once as SageMaker sends, none of them behind another's upload.
    const { loadGpuConfig } = await import('#functions/gpu/config.ts');
    expect(loadGpuConfig({}, []).IN_FLIGHT).toBe(inFlight);
    // Both times on each order: test/unit/adapters/aws/sagemaker-queue.test.ts.
  });
});
