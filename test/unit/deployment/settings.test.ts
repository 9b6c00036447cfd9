import { describe, expect, it } from 'vitest';
import { endpointName } from '#shared/deployment/names.ts';
import { NO_IMAGE, parseSettings } from '#shared/deployment/settings.ts';

const MODELS = [{ name: 'stabilityai/sdxl', digest: 'a'.repeat(64) }];

describe('settings of a deployment', () => {
  it('need nothing but models', () => {
    const settings = parseSettings({ 'onestep:models': MODELS, '@aws-cdk/core:other': true });
    expect(settings).toMatchObject({
      stage: 'dev',
      region: 'us-east-1',
      imageDigest: NO_IMAGE,
      retentionDays: 7,
      models: [{ instance: ['ml.g6.xlarge'], maxInstances: 1, priceUsd: '0.004' }],
    });
  });

  it('are read as text too, as -c gives them', () => {
    const settings = parseSettings({
      'onestep:models': JSON.stringify(MODELS),
      'onestep:monthlyBudgetUsd': '50',
      'onestep:budgetByTag': 'true',
    });
    expect(settings).toMatchObject({ monthlyBudgetUsd: 50, budgetByTag: true });
  });

  it('take a key of their own stage before one for all, and none of another stage', () => {
    const settings = parseSettings({
      'onestep:models': MODELS,
      'onestep:stage': 'prod',
      'onestep:monthlyBudgetUsd': 50,
      'onestep:prod:monthlyBudgetUsd': 900,
      'onestep:dev:retentionDays': 1,
    });
    expect(settings).toMatchObject({ monthlyBudgetUsd: 900, retentionDays: 7 });
  });

  it('name every fault at once', () => {
    expect(() =>
      parseSettings({
        'onestep:models': [{ name: 'sdxl', digest: 'short', instance: 'ml.g99.xlarge' }],
        'onestep:retentionDays': 0,
        'onestep:colour': 'red',
      }),
    ).toThrow(/models\.0\.name.*models\.0\.digest.*ml\.g4dn\.xlarge.*retentionDays.*colour/s);
  });

  it.each([
    [{ 'onestep:domainName': 'img.example.com' }, /needs a certificate/],
    [{ 'onestep:hostedZoneId': 'Z123456' }, /come together/],
    [{ 'onestep:models': [...MODELS, ...MODELS] }, /one name/],
    [{ 'onestep:blockList': ['/(/'] }, /blockList: .*\/\(\/ does not work/],
    [{ 'onestep:blockList': ['x'.repeat(2048)] }, /blockList: is longer than 2048/],
  ])('refuse %o', (change, message) => {
    expect(() => parseSettings({ 'onestep:models': MODELS, ...change })).toThrow(message);
  });

  it('give endpoints names that SageMaker takes', () => {
    expect(endpointName('dev', 'stabilityai/sdxl-base.1_0')).toBe(
      'onestep-dev-stabilityai-sdxl-base-1-0',
    );
    expect(endpointName('prod', `a/${'long-'.repeat(20)}`)).toMatch(/^[a-z0-9](-*[a-z0-9]){0,62}$/);
  });
});

describe('the key that images are signed with', () => {
  const kmsKey = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd';
  const read = (c2pa: object) => parseSettings({ 'onestep:models': MODELS, 'onestep:c2pa': c2pa });

  it.each([{ key: 'key.pem', chain: 'chain.pem' }, { kmsKey, chain: 'chain.pem' }, {}])(
    'may be %o',
    (c2pa) => {
      expect(read(c2pa).c2pa).toEqual(c2pa);
    },
  );

  it.each([
    [{ key: 'key.pem' }, 'chain comes together with key or kmsKey'],
    [{ chain: 'chain.pem' }, 'chain comes together with key or kmsKey'],
    [{ kmsKey }, 'chain comes together with key or kmsKey'],
    [{ key: 'key.pem', kmsKey, chain: 'chain.pem' }, 'chain comes together with key or kmsKey'],
    [{ kmsKey: 'alias/onestep', chain: 'chain.pem' }, 'c2pa.kmsKey: must be the ARN of a key'],
  ])('may not be %o', (c2pa, problem) => {
    expect(() => read(c2pa)).toThrow(problem);
  });
});
