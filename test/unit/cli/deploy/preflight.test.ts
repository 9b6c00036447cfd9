import { describe, expect, it } from 'vitest';
import { BUILD_QUOTA } from '#functions/cli/deploy/build-quota.ts';
import { type Builder, type PreflightDeps, preflight } from '#functions/cli/deploy/preflight.ts';
import { parseSettings } from '#shared/deployment/settings.ts';

const settings = parseSettings({
  'onestep:region': 'eu-central-1',
  'onestep:models': [
    { name: 'a/one', digest: 'a'.repeat(64), maxInstances: 2 },
    { name: 'b/two', digest: 'b'.repeat(64), maxInstances: 1 },
  ],
});

const READY: PreflightDeps = {
  accountId: async () => '123456789012',
  isBootstrapped: async () => true,
  sageMakerQuotas: async () =>
    new Map([['ml.g6.xlarge for endpoint usage', { code: 'L-ABC', value: 6 }]]),
  lambdaConcurrency: async () => 1000,
  distributions: async () => ({ used: 1, quota: 200 }),
  buildQuotas: async () => new Map([[BUILD_QUOTA, { code: 'L-B', value: 1 }]]),
  docker: async () => 'ready',
  hasEndpoints: async () => true,
};

const failing = async (change: Partial<PreflightDeps>, builder?: Builder) =>
  (await preflight({ ...READY, ...change }, settings, builder)).filter(({ ok }) => !ok);

describe('preflight', () => {
  it('finds nothing wrong where nothing is', async () => {
    expect(await failing({})).toEqual([]);
  });

  it('asks for twice the instances of all models of a type, by quota and command', async () => {
    const quotas = new Map([['ml.g6.xlarge for endpoint usage', { code: 'L-ABC', value: 5 }]]);
    const [finding, ...others] = await failing({ sageMakerQuotas: async () => quotas });
    expect(others).toEqual([]);
    expect(finding?.says).toMatch(
      /"ml\.g6\.xlarge for endpoint usage" \(L-ABC\).*is 5; 6 are needed/,
    );
    expect(finding?.command).toBe(
      'aws service-quotas request-service-quota-increase --region eu-central-1 --service-code sagemaker --quota-code L-ABC --desired-value 6',
    );
  });

  it('says when the region does not have the instance type', async () => {
    const [finding] = await failing({ sageMakerQuotas: async () => new Map() });
    expect(finding?.says).toContain('not offered');
  });

  it('looks at the bootstrap of both regions', async () => {
    const found = await failing({ isBootstrapped: async (region) => region !== 'us-east-1' });
    expect(found.map(({ command }) => command)).toEqual([
      'npx cdk bootstrap aws://123456789012/us-east-1',
    ]);
  });

  it('knows that a new account has ten concurrent executions', async () => {
    const found = await preflight({ ...READY, lambdaConcurrency: async () => 10 }, settings);
    expect(found.every(({ ok }) => ok)).toBe(true);
    const [finding] = found.filter(({ warns }) => warns);
    expect(finding).toMatchObject({
      check: 'Lambda concurrent executions',
      setting: ['reserveConcurrency', false],
    });
    expect(finding?.command).toContain('L-B99A9384');
    expect(finding?.says).toContain("in the viewers' regions");
  });

  it('says that nothing is reserved where the quota has grown since', async () => {
    const small = { ...settings, reserveConcurrency: false };
    const found = await preflight(READY, small);
    const [finding] = found.filter(({ check }) => check === 'Lambda concurrent executions');
    expect(finding).toMatchObject({ ok: true, says: expect.stringMatching(/can be true now/) });
    expect((await preflight(READY, settings)).map(({ says }) => says).join()).not.toContain(
      'reserveConcurrency',
    );
  });

  it('lets a first deployment begin with half of what an update needs, and says so', async () => {
    const half = new Map([['ml.g6.xlarge for endpoint usage', { code: 'L-ABC', value: 3 }]]);
    const change = { sageMakerQuotas: async () => half, hasEndpoints: async () => false };
    const found = await preflight({ ...READY, ...change }, settings);
    const [finding, ...others] = found.filter(({ warns }) => warns);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ ok: true, command: expect.stringContaining('value 6') });
    expect(finding?.says).toContain('the first update will need 6');
    const less = new Map([['ml.g6.xlarge for endpoint usage', { code: 'L-ABC', value: 2 }]]);
    expect(await failing({ ...change, sageMakerQuotas: async () => less })).toHaveLength(1);
  });

  it('takes one type of a list for enough, and warns of the others', async () => {
    const listed = parseSettings({
      'onestep:models': [
        { name: 'a/one', digest: 'a'.repeat(64), instance: ['ml.g6.xlarge', 'ml.g5.xlarge'] },
      ],
    });
    const found = await preflight(READY, listed);
    expect(found.filter(({ ok }) => !ok)).toEqual([]);
    expect(found.filter(({ warns }) => warns).map(({ check }) => check)).toEqual([
      'ml.g5.xlarge for endpoint usage',
    ]);
  });

  it('looks for buildx beside Docker', async () => {
    const [finding] = await failing({ docker: async () => 'without-buildx' }, 'local');
    expect(finding?.says).toContain('buildx');
  });

  it('offers Docker, beside the ticket, where the account may run no build', async () => {
    const none = new Map([[BUILD_QUOTA, { code: 'L-B', value: 0 }]]);
    const [finding, ...others] = await failing({ buildQuotas: async () => none });
    expect(others).toEqual([]);
    expect(finding?.says).toMatch(/no build.*\(L-B\).*eu-central-1.*ticket.*--build local/);
    expect(finding?.command).toContain(
      '--service-code codebuild --quota-code L-B --desired-value 1',
    );
    expect(await failing({ buildQuotas: async () => none }, 'local')).toEqual([]);
    // A region's list may lack it: that is no reason to refuse.
    expect(await failing({ buildQuotas: async () => new Map() })).toEqual([]);
  });

  it('counts distributions, and needs Docker only for an image that is not there', async () => {
    expect(await failing({ distributions: async () => ({ used: 200, quota: 200 }) })).toHaveLength(
      1,
    );
    expect(await failing({ docker: async () => 'absent' }, 'local')).toHaveLength(1);
    const pushed = { ...settings, imageDigest: `sha256:${'c'.repeat(64)}` };
    const found = await preflight({ ...READY, docker: async () => 'absent' }, pushed, 'local');
    expect(found.every(({ ok }) => ok)).toBe(true);
  });

  it('stops at missing credentials', async () => {
    const found = await failing({ accountId: async () => undefined });
    expect(found).toMatchObject([{ check: 'credentials' }]);
  });
});
