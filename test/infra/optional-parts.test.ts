import { expect, it } from 'vitest';
import { parseSettings } from '#shared/deployment/settings.ts';
import { EUROPEAN_PROD } from '#test/helpers/deployments.ts';
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
