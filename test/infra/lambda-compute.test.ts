import { describe, expect, it } from 'vitest';
import { statementsOf } from '#test/helpers/iam-statements.ts';
import { resourcesOf, synthesise } from '#test/helpers/synthesise.ts';

const DIGEST = 'a'.repeat(64);
const made = synthesise({
  'onestep:models': [{ name: 'onestep/demo', digest: DIGEST, compute: 'lambda' }],
});
const { gpu, api, operations } = made.templates;

describe('a model on Lambda', () => {
  it('is a zip function on nodejs24.x, within what a new account may have', () => {
    const [drawing] = Object.values(resourcesOf(gpu, 'AWS::Lambda::Function')).filter(
      ({ Properties }) => Properties.FunctionName === 'onestep-dev-onestep-demo',
    );
    expect(drawing?.Properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['x86_64'],
      Handler: 'index.handler',
    });
    expect(drawing?.Properties.MemorySize).toBeLessThanOrEqual(3_008);
    expect(drawing?.Properties.Timeout).toBeLessThanOrEqual(900);
    expect(drawing?.Properties.ReservedConcurrentExecutions).toBeUndefined();
    expect(drawing?.Properties.Environment.Variables).toMatchObject({
      DEVICE: 'cpu',
      IN_FLIGHT: '1',
      PACKAGE_PREFIX: `models/${DIGEST}/`,
    });
  });

  it('is invoked once, not after the deadline, and tells of both ends where SageMaker would', () => {
    const [config] = Object.values(resourcesOf(gpu, 'AWS::Lambda::EventInvokeConfig'));
    expect(config?.Properties).toMatchObject({
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 3_600,
      Qualifier: '$LATEST',
    });
    const topics = Object.keys(resourcesOf(gpu, 'AWS::SNS::Topic'));
    const { OnSuccess, OnFailure } = config?.Properties.DestinationConfig ?? {};
    expect(topics).toContain(OnSuccess.Destination.Ref);
    expect(topics).toContain(OnFailure.Destination.Ref);
    expect(Object.values(resourcesOf(api, 'AWS::SNS::Subscription'))).toHaveLength(2);
  });

  it('leaves nothing of SageMaker: no endpoint, no scaling, no grant', () => {
    expect(resourcesOf(gpu, 'AWS::SageMaker::Endpoint')).toEqual({});
    for (const template of Object.values(made.templates)) {
      expect(JSON.stringify(template.toJSON())).not.toMatch(/sagemaker:(Invoke|Update|Describe)/);
      expect(resourcesOf(template, 'AWS::ApplicationAutoScaling::ScalableTarget')).toEqual({});
    }
    expect(JSON.stringify(operations.toJSON())).not.toContain('AWS/SageMaker');
  });

  it('is invoked by the dispatcher alone', () => {
    const invoking = statementsOf(made).filter(
      ({ actions, resources }) =>
        actions.includes('lambda:InvokeFunction') &&
        resources.some((resource) => resource.includes('onestep-dev-onestep-demo')),
    );
    const roles = invoking.flatMap((statement) => statement.roles);
    expect(roles).toHaveLength(1);
    expect(roles[0]).toMatch(/^Dispatch/);
  });

  it('stands beside one on a GPU', () => {
    const both = synthesise({
      'onestep:models': [
        { name: 'onestep/demo', digest: DIGEST, compute: 'lambda' },
        { name: 'onestep/large', digest: 'b'.repeat(64) },
      ],
    });
    const endpoints = Object.values(resourcesOf(both.templates.gpu, 'AWS::SageMaker::Endpoint'));
    expect(endpoints.map(({ Properties }) => Properties.EndpointName)).toEqual([
      'onestep-dev-onestep-large',
    ]);
  });
});
