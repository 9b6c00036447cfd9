import { describe, expect, it } from 'vitest';
import { EUROPEAN_PROD } from '#test/helpers/deployments.ts';
import { everyResource, resourcesOf, synthesise } from '#test/helpers/synthesise.ts';

/** What holds something that cannot be made again. */
const STATEFUL = [
  'AWS::DynamoDB::GlobalTable',
  'AWS::S3::Bucket',
  'AWS::ECR::Repository',
  'AWS::SecretsManager::Secret',
  'AWS::SQS::Queue',
];

const NEW_IMAGE = { 'onestep:imageDigest': `sha256:${'c'.repeat(64)}` };
const NEW_MODEL = {
  'onestep:models': [{ name: 'onestep/demo', digest: 'd'.repeat(64), instance: 'ml.g6.xlarge' }],
};

function stateful(context: Record<string, unknown>) {
  return everyResource(synthesise(context)).filter(([, , { Type }]) => STATEFUL.includes(Type));
}

describe('stateful resources', () => {
  it('keep the logical ids that deployed stacks know them by', () => {
    const ids = stateful({}).map(([part, id, { Type }]) => `${part} ${Type} ${id}`);
    expect(ids).toMatchInlineSnapshot(`
      [
        "data AWS::DynamoDB::GlobalTable TableCD117FA1",
        "data AWS::S3::Bucket AccessLogs8B620ECA",
        "data AWS::S3::Bucket ModelsC55D3500",
        "data AWS::S3::Bucket OutputsA3C868EE",
        "data AWS::ECR::Repository GpuImagesA37C88F6",
        "data AWS::SecretsManager::Secret MacSecret816624E0",
        "data AWS::SecretsManager::Secret ReceiptSecret4D5D3B9F",
        "data AWS::SQS::Queue DispatchQueueDeadLettersB00FFFBB",
        "data AWS::SQS::Queue DispatchQueue8EAB1D79",
        "data AWS::SQS::Queue WebhookQueueDeadLettersBFED7A12",
        "data AWS::SQS::Queue WebhookQueueB0858E40",
        "edge AWS::S3::Bucket DistributionLogs3F7E62D0",
        "api AWS::SQS::Queue CompletionQueueDeadLettersE8FD4E24",
        "api AWS::SQS::Queue CompletionQueue4887DB48",
        "api AWS::SQS::Queue LostCompleted6AEA0A18",
        "api AWS::SQS::Queue LostFailed88E5DF51",
        "api AWS::SQS::Queue SweepDeadLettersBE53EB73",
        "operations AWS::SQS::Queue KillSwitchDeadLetters13BCE714",
      ]
    `);
  });

  it('have the same ids in every stage and region', () => {
    const ids = (context: Record<string, unknown>) => stateful(context).map(([, id]) => id);
    expect(ids(EUROPEAN_PROD)).toEqual(ids({}));
  });

  it.each([
    ['image digest', NEW_IMAGE],
    ['model digest', NEW_MODEL],
  ])('do not change with the %s', (_, change) => {
    expect(stateful(change)).toEqual(stateful({}));
  });
});

describe('a new digest', () => {
  const gpu = (context: Record<string, unknown>, type: string) => {
    const found = resourcesOf(synthesise(context).templates.gpu, type);
    return Object.values(found)[0]?.Properties;
  };

  it.each([
    ['image', NEW_IMAGE],
    ['model', NEW_MODEL],
  ])(
    'of the %s replaces the model, and with it the configuration, never the endpoint',
    (_, change) => {
      expect(gpu(change, 'AWS::SageMaker::Model')).not.toEqual(gpu({}, 'AWS::SageMaker::Model'));
      expect(gpu(change, 'AWS::SageMaker::Model').ModelName).toBeUndefined();
      const [variant] = gpu(change, 'AWS::SageMaker::EndpointConfig').ProductionVariants;
      expect(variant.ModelName).toEqual({ 'Fn::GetAtt': [expect.any(String), 'ModelName'] });
      expect(gpu(change, 'AWS::SageMaker::EndpointConfig').EndpointConfigName).toBeUndefined();
      const endpoint = (context: Record<string, unknown>) => {
        const { DeploymentConfig: deployment, ...rest } = gpu(context, 'AWS::SageMaker::Endpoint');
        // Each release is watched by an alarm of its own.
        const { AutoRollbackConfiguration: rollback, ...policy } = deployment;
        return { rest, policy, rollback };
      };
      const { rollback, ...kept } = endpoint(change);
      const before = endpoint({});
      expect(kept).toEqual({ rest: before.rest, policy: before.policy });
      expect(rollback.Alarms).not.toEqual(before.rollback.Alarms);
    },
  );

  it('of the model moves the grant on its files along', () => {
    const policies = JSON.stringify(
      resourcesOf(synthesise(NEW_MODEL).templates.gpu, 'AWS::IAM::Policy'),
    );
    expect(policies).toContain(`/models/${'d'.repeat(64)}/*`);
    expect(policies).not.toContain(`/models/${'0'.repeat(64)}/*`);
  });

  it('of the image changes no stack but gpu', () => {
    for (const part of ['data', 'edge', 'api', 'webhooks', 'operations'] as const) {
      expect(synthesise(NEW_IMAGE).templates[part].toJSON(), part).toEqual(
        synthesise().templates[part].toJSON(),
      );
    }
  });
});
