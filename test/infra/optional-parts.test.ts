import { expect, it } from 'vitest';
import { parseSettings } from '#shared/deployment/settings.ts';
import { EUROPEAN_PROD } from '#test/helpers/deployments.ts';
import { statementsOf } from '#test/helpers/iam-statements.ts';
import { everyResource, Match, synthesise } from '#test/helpers/synthesise.ts';

it('dev may do without firewall and dashboard, and nothing refers to them then', () => {
  const made = synthesise({ 'onestep:firewall': false, 'onestep:dashboard': false });
  for (const type of [
    'AWS::WAFv2::WebACL',
    'AWS::WAFv2::LoggingConfiguration',
    'AWS::CloudWatch::Dashboard',
  ]) {
    expect(everyResource(made, type), type).toEqual([]);
    expect(everyResource(synthesise(), type).length, type).toBe(1);
  }
  made.templates.api.hasResourceProperties('AWS::CloudFront::Distribution', {
    DistributionConfig: Match.objectLike({ WebACLId: Match.absent() }),
  });
  expect(JSON.stringify(made.templates.edge.toJSON())).not.toContain('AWS/WAFV2');
});

it('prod has both', () => {
  const context = {
    ...EUROPEAN_PROD,
    'onestep:models': [{ name: 'a/one', digest: 'a'.repeat(64) }],
  };
  for (const key of ['firewall', 'dashboard']) {
    expect(() => parseSettings({ ...context, [`onestep:${key}`]: false })).toThrow(/in dev only/);
  }
});

it('Stripe’s secret is read by the API alone, where it is named, and is named nowhere else', () => {
  const arn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:stripe-AbCdEf';
  const made = synthesise({ 'onestep:stripeSecretArn': arn });
  const readers = statementsOf(made).filter(({ resources }) => resources.includes(arn));
  expect(readers.map(({ actions }) => actions)).toEqual([['secretsmanager:GetSecretValue']]);
  expect(readers[0]?.owner).toMatch(/Api/);
  made.templates.api.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: Match.objectLike({ STRIPE_SECRET_ARN: arn }) },
  });
  const off = Object.values(synthesise().templates).map((one) => JSON.stringify(one.toJSON()));
  expect(off.join()).not.toMatch(/stripe/i);
  expect(() => parseSettings({ 'onestep:stripeSecretArn': 'onestep/stripe' })).toThrow(
    'onestep:stripeSecretArn: must be the whole ARN of a secret',
  );
});
