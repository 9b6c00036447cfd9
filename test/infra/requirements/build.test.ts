import { describe, expect, it } from 'vitest';
import { statementsOf } from '#test/helpers/iam-statements.ts';
import { readFromRoot } from '#test/helpers/root.ts';
import { resourcesOf } from '#test/helpers/synthesise.ts';
import { actionsOf, dev, functionsIn, grantsOf } from './templates.ts';

describe('build', () => {
  it('#1 pins the toolchain exactly, runs on nodejs24.x, takes its image by digest', () => {
    const manifest = JSON.parse(readFromRoot('package.json'));
    const { dependencies, devDependencies, engines } = manifest;
    expect(devDependencies['aws-cdk']).toMatch(/^2\.1\d{3}\.\d+$/);
    for (const name of ['aws-cdk-lib', 'constructs', 'cdk-nag']) {
      expect(devDependencies[name]).toMatch(/^\d+\.\d+\.\d+$/);
    }
    expect(dependencies.hono).toMatch(/^\d+\.\d+\.\d+$/);
    expect(engines.node).toBe('>=20.19');
    const locked = JSON.parse(readFromRoot('package-lock.json')).packages['node_modules/aws-cdk'];
    expect(locked.version).toBe(devDependencies['aws-cdk']);
    for (const [id, { Properties }] of functionsIn(dev)) {
      expect(Properties.Runtime, id).toBe('nodejs24.x');
    }
    const [model] = Object.values(resourcesOf(dev.templates.gpu, 'AWS::SageMaker::Model'));
    expect(JSON.stringify(model?.Properties.PrimaryContainer.Image)).toContain('@sha256:');
    // Offline, without credentials and Docker: test/infra/synth.test.ts runs the command itself.
  });

  it('#2 runs cdk-nag at each synth: an error would have thrown above; no finding is waved through as a whole', () => {
    const source = [
      'infra/constructs/service-function.ts',
      'infra/operations/kill-switch.ts',
      'infra/gpu/gpu-stack.ts',
      'infra/edge/edge-stack.ts',
      'infra/constructs/grant-objects.ts',
    ].map(readFromRoot);
    for (const text of source) expect(text).not.toMatch(/'AwsSolutions-IAM[45]'/);
    // That the checks bite: test/infra/nag.test.ts.
  });

  it('#3 allows no action "*" and no resource "*" beyond the few that need it', () => {
    const open = statementsOf(dev).filter(
      ({ effect, actions, resources, type }) =>
        effect === 'Allow' &&
        type !== 'AWS::IAM::AssumeRole' &&
        (actions.includes('*') || resources.includes('*')),
    );
    const actions = new Set(open.flatMap((statement) => statement.actions));
    expect([...actions].sort()).toEqual([
      'cloudwatch:PutMetricData',
      'ecr:GetAuthorizationToken',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
    // Every policy of every stack, in two deployments: test/infra/iam.test.ts.
  });

  it('#4 gives the GPU role its package, its outputs, its topics, its image and its log, no more', () => {
    const digest = JSON.parse(readFromRoot('cdk.json')).context['onestep:models'][0].digest;
    const grants = grantsOf(/^OnestepDemoRole/);
    const on = (action: string) =>
      grants
        .filter(({ actions }) => actions.includes(action))
        .flatMap(({ resources }) => resources);
    expect(on('s3:GetObject').filter((arn) => arn.includes('-models-'))).toEqual([
      expect.stringContaining(`/models/${digest}/*`),
    ]);
    for (const arn of on('s3:PutObject')) expect(arn).toMatch(/\/(outputs|jobs|out|fail)\/\*/);
    expect(on('sns:Publish')).toHaveLength(2);
    expect(on('ecr:BatchGetImage')).toHaveLength(1);
    expect(on('logs:PutLogEvents')).toHaveLength(1);
    const role = Object.entries(resourcesOf(dev.templates.gpu, 'AWS::IAM::Role')).find(([id]) =>
      id.startsWith('OnestepDemoRole'),
    )?.[1].Properties;
    expect(role.ManagedPolicyArns).toBeUndefined();
    expect(role.AssumeRolePolicyDocument.Statement[0].Condition).toEqual({
      StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
    });
  });

  it('#5 lets only the dispatcher order, on these endpoints; nobody scans; webhooks write deliveries only', () => {
    for (const role of [/^ApiRole/, /^CompleteRole/, /^SweepRole/, /^WebhooksRole/]) {
      expect(actionsOf(role)).not.toContain('sagemaker:InvokeEndpointAsync');
    }
    const orders = grantsOf(/^DispatchRole/).filter(({ actions }) =>
      actions.includes('sagemaker:InvokeEndpointAsync'),
    );
    expect(orders.flatMap(({ resources }) => resources)).toEqual([
      expect.stringContaining(':endpoint/onestep-dev-onestep-demo'),
    ]);
    expect(statementsOf(dev).flatMap(({ actions }) => actions)).not.toContain('dynamodb:Scan');
    const writes = grantsOf(/^WebhooksRole/).filter(({ actions }) =>
      actions.includes('dynamodb:PutItem'),
    );
    expect(writes.map(({ conditions }) => conditions)).toEqual([
      {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['OUTBOX#*', 'RECEIVER#*'] },
        Null: { 'dynamodb:LeadingKeys': 'false' },
      },
    ]);
    // It signs URLs of the images that it tells of, so it may read those; nothing else of S3.
    expect(actionsOf(/^WebhooksRole/).filter((action) => action.startsWith('s3:'))).toEqual([
      's3:GetObject',
    ]);
  });
});
