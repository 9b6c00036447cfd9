import { describe, expect, it } from 'vitest';
import { readFromRoot } from '#test/helpers/root.ts';
import { everyResource, resourcesOf } from '#test/helpers/synthesise.ts';
import { dev, functionsIn, prod } from './templates.ts';

describe('housekeeping', () => {
  it('#22 keeps every log group in a stack with a retention, traces, logs JSON, reads metrics off the logs', () => {
    const groups = everyResource(dev, 'AWS::Logs::LogGroup');
    for (const [made, policy] of [
      [dev, 'Delete'],
      // What a failed first deployment made does not stay in the way of the next.
      [prod, 'RetainExceptOnCreate'],
    ] as const) {
      for (const [, id, group] of everyResource(made, 'AWS::Logs::LogGroup')) {
        expect(group.Properties.RetentionInDays, id).toBe(30);
        // A group with a fixed name that outlives its stack makes the next deployment fail.
        expect(group.DeletionPolicy, id).toBe(policy);
      }
    }
    const names = groups.map(([, , { Properties }]) => Properties.LogGroupName).filter(Boolean);
    expect(names).toContain('/aws/sagemaker/Endpoints/onestep-dev-onestep-demo');
    for (const [id, { Properties }] of functionsIn(dev)) {
      if (id.startsWith('Edge')) continue;
      expect(Properties.TracingConfig, id).toEqual({ Mode: 'Active' });
      expect(Properties.LoggingConfig.LogFormat, id).toBe('JSON');
      expect(Properties.LoggingConfig.LogGroup, id).toBeDefined();
    }
    expect(everyResource(dev, 'AWS::Logs::MetricFilter').length).toBeGreaterThan(10);
  });

  it('#23 tags everything that can be tagged', () => {
    const untagged: string[] = [];
    let tagged = 0;
    for (const [part, id, { Type, Properties }] of everyResource(prod)) {
      if (Type.startsWith('Custom::') || !TAGGED.has(Type)) continue;
      const text = JSON.stringify(Properties.Tags ?? Properties.Replicas ?? {});
      const all = ['project', 'stage', 'owner', 'cost-center'].every((tag) =>
        text.includes(`"${tag}"`),
      );
      if (all) tagged++;
      else untagged.push(`${part} ${id} (${Type})`);
    }
    expect(untagged).toEqual([]);
    expect(tagged).toBeGreaterThan(40);
    expect(readFromRoot('docs/costs.md')).toContain('cost allocation tag');
  });

  it('#24 leaves nothing in dev and everything in prod, in the order that SageMaker wants', () => {
    const stateful = [
      'AWS::S3::Bucket',
      'AWS::DynamoDB::GlobalTable',
      'AWS::ECR::Repository',
      'AWS::SecretsManager::Secret',
    ];
    for (const [made, policy] of [
      [dev, 'Delete'],
      [prod, 'Retain'],
    ] as const) {
      for (const type of stateful) {
        for (const [, id, resource] of everyResource(made, type)) {
          // The table alone is protected from a rollback, too; its name is not fixed.
          const onlyTable =
            type === 'AWS::DynamoDB::GlobalTable' ? 'Retain' : 'RetainExceptOnCreate';
          expect(resource.DeletionPolicy, id).toBe(policy === 'Retain' ? onlyTable : policy);
          expect(resource.UpdateReplacePolicy, id).toBe(policy);
        }
      }
      const [table] = everyResource(made, 'AWS::DynamoDB::GlobalTable');
      const [replica] = table?.[2].Properties.Replicas ?? [];
      expect(replica.DeletionProtectionEnabled).toBe(policy === 'Retain');
      expect(replica.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled).toBe(true);
      for (const stack of Object.values(made.deployment)) {
        expect(stack.terminationProtection).toBe(policy === 'Retain');
      }
    }
    // CloudFormation deletes what depends before what it depends on.
    const ids = (type: string) => Object.keys(resourcesOf(dev.templates.gpu, type));
    const [target] = Object.values(
      resourcesOf(dev.templates.gpu, 'AWS::ApplicationAutoScaling::ScalableTarget'),
    );
    expect(target?.DependsOn).toEqual(ids('AWS::SageMaker::Endpoint'));
    // The order and what is left: `onestep nuke`, test/unit/cli/deploy/nuke.test.ts.
  });

  it('#25 container: test/infra/dockerfile.test.ts, and test/unit/gpu for the HTTP contract', () => {
    const [model] = Object.values(resourcesOf(dev.templates.gpu, 'AWS::SageMaker::Model'));
    const { Environment } = model?.Properties.PrimaryContainer ?? {};
    // The CPU only ever by a flag, which no deployment sets.
    expect(Environment).not.toHaveProperty('ALLOW_CPU');
  });
});

/** The types that CloudFormation tags and that this project has. */
const TAGGED = new Set([
  'AWS::DynamoDB::GlobalTable',
  'AWS::S3::Bucket',
  'AWS::ECR::Repository',
  'AWS::SecretsManager::Secret',
  'AWS::SQS::Queue',
  'AWS::SNS::Topic',
  'AWS::Lambda::Function',
  'AWS::IAM::Role',
  'AWS::Logs::LogGroup',
  'AWS::SageMaker::Model',
  'AWS::SageMaker::EndpointConfig',
  'AWS::SageMaker::Endpoint',
  'AWS::CloudFront::Distribution',
  'AWS::WAFv2::WebACL',
  'AWS::CertificateManager::Certificate',
  'AWS::CloudWatch::Alarm',
  'AWS::Lambda::EventSourceMapping',
]);
