import { describe, expect, it } from 'vitest';
import { EUROPEAN_PROD } from '#test/helpers/deployments.ts';
import { ungranted } from '#test/helpers/granted.ts';
import { statementsOf } from '#test/helpers/iam-statements.ts';
import { synthesise } from '#test/helpers/synthesise.ts';

/** The actions that exist on no narrower resource than `*`. */
const WITHOUT_RESOURCE = [
  'ecr:GetAuthorizationToken',
  'cloudwatch:PutMetricData',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

const EMPTIER = 'CustomS3AutoDeleteObjects';

describe.each([
  ['dev', {}],
  ['prod in another region', EUROPEAN_PROD],
])('grants of %s', (_, context) => {
  const statements = statementsOf(synthesise(context));

  it('are many: the walk sees roles, policies and resource policies', () => {
    expect(statements.length).toBeGreaterThan(60);
    expect(new Set(statements.map(({ type }) => type))).toContain('AWS::IAM::Policy');
    expect(new Set(statements.map(({ type }) => type))).toContain('AWS::SQS::QueuePolicy');
  });

  it('allow no action by wildcard', () => {
    const wild = statements.filter(
      ({ effect, actions }) => effect === 'Allow' && actions.some((action) => action.includes('*')),
    );
    // In dev, CDK's own function may empty a bucket that is about to be deleted, by the bucket's policy.
    const ours = wild.filter(
      ({ type, principals }) =>
        !(type === 'AWS::S3::BucketPolicy' && JSON.stringify(principals).includes(EMPTIER)),
    );
    expect(ours.map(({ owner, actions }) => `${owner}: ${actions.join()}`)).toEqual([]);
    if (context === EUROPEAN_PROD) expect(wild).toEqual([]);
  });

  it('are on "*" only for actions that exist on nothing else', () => {
    const open = statements.filter(
      ({ effect, resources, type }) =>
        effect === 'Allow' && resources.includes('*') && type !== 'AWS::IAM::AssumeRole',
    );
    for (const { actions } of open) {
      expect(WITHOUT_RESOURCE).toEqual(expect.arrayContaining([...actions]));
    }
    const metrics = open.filter(({ actions }) => actions.includes('cloudwatch:PutMetricData'));
    for (const { conditions } of metrics) expect(JSON.stringify(conditions)).toContain('namespace');
  });

  it('name no managed policy of ours, and let nobody in who is not a service of this account', () => {
    for (const { principals, conditions, type, owner, effect } of statements) {
      if (effect !== 'Allow' || principals === undefined) continue;
      if (type === 'AWS::IAM::AssumeRole') continue;
      expect(JSON.stringify(principals), owner).not.toContain('"*"');
      expect(JSON.stringify([principals, conditions]), owner).toMatch(
        /Source(Account|Arn)|AWS::|Fn::/,
      );
    }
  });
});

describe('the check of what functions ask for against what they are granted', () => {
  const TABLE = '<data Table>';
  const OUTPUTS = 'arn:aws:s3:::onestep-dev-outputs-<account>-us-east-1';

  it.each([
    { by: 'Webhooks', action: 'dynamodb:PutItem', resource: TABLE, leadingKey: 'OUTBOX#' },
    { by: 'Api', action: 'dynamodb:PutItem', resource: TABLE, leadingKey: 'ACC#' },
    { by: 'Complete', action: 's3:GetObject', resource: `${OUTPUTS}/jobs/<job>/started` },
    { by: 'Complete', action: 's3:ListBucket', resource: OUTPUTS, s3Prefix: 'jobs/<job>/started' },
  ])('lets $by do $action on $resource', (call) => {
    expect(ungranted(synthesise(), [call])).toEqual([]);
  });

  it.each([
    { by: 'Webhooks', action: 'dynamodb:PutItem', resource: TABLE, leadingKey: 'ACC#' },
    { by: 'Webhooks', action: 's3:ListBucket', resource: OUTPUTS, s3Prefix: 'outputs/' },
    { by: 'Api', action: 'dynamodb:Scan', resource: TABLE },
    { by: 'Api', action: 's3:PutObject', resource: `${OUTPUTS}/outputs/<job>/0.png` },
    { by: 'Sweep', action: 'secretsmanager:GetSecretValue', resource: '<data MacSecret>' },
    { by: 'Complete', action: 's3:ListBucket', resource: OUTPUTS, s3Prefix: 'private/' },
  ])('does not let $by do $action on $resource', (call) => {
    expect(ungranted(synthesise(), [call])).toHaveLength(1);
  });
});
