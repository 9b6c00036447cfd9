import { describe, expect, it } from 'vitest';
import { EUROPEAN_PROD } from '#test/helpers/deployments.ts';
import { statementsOf } from '#test/helpers/iam-statements.ts';
import { resourcesOf, type Synthesised, synthesise } from '#test/helpers/synthesise.ts';

/** The values that a variable has in the environments of a part's functions or models. */
function valuesOf(made: Synthesised, part: 'api' | 'gpu', name: string): readonly unknown[] {
  return Object.values(resourcesOf(made.templates[part])).flatMap(({ Properties }) => {
    const variables =
      Properties?.Environment?.Variables ?? Properties?.PrimaryContainer?.Environment;
    return variables?.[name] === undefined ? [] : [variables[name]];
  });
}

describe('safety on AWS', () => {
  it('is off unless it is set', () => {
    const made = synthesise();
    expect(valuesOf(made, 'api', 'BLOCK_LIST')).toEqual([]);
    expect(valuesOf(made, 'gpu', 'IMAGE_CHECK')).toEqual([]);
  });

  it('gives the block list to the API, and the image check to every container', () => {
    const made = synthesise(EUROPEAN_PROD);
    expect(valuesOf(made, 'api', 'BLOCK_LIST')).toEqual(['["voldemort","/red +flag/"]']);
    const check = 'https://check.example.com/';
    expect(valuesOf(made, 'gpu', 'IMAGE_CHECK')).toEqual([check, check]);
  });
});

describe('the key that images are signed with', () => {
  const key = 'arn:aws:kms:eu-central-1:123456789012:key/12345678-1234';
  const c2pa = { kmsKey: key, chain: 'functions/gpu/c2pa/chain.pem' };
  const signing = (made: Synthesised) =>
    statementsOf(made).filter(({ actions }) => actions.includes('kms:Sign'));

  it('is none of KMS unless it is set', () => {
    expect(signing(synthesise())).toEqual([]);
    expect(valuesOf(synthesise(), 'gpu', 'C2PA_KMS_KEY')).toEqual([]);
  });

  it.each([
    ['an endpoint', {}],
    [
      'a function that draws',
      { 'onestep:models': [{ name: 'a/b', digest: 'a'.repeat(64), compute: 'lambda' }] },
    ],
  ])('may be used by %s for C2PA’s algorithm, and for nothing else', (_, models) => {
    const made = synthesise({ ...models, 'onestep:c2pa': c2pa });
    expect(valuesOf(made, 'gpu', 'C2PA_KMS_KEY')).toEqual([key]);
    expect(valuesOf(made, 'gpu', 'C2PA_CHAIN_FILE')).toEqual([c2pa.chain]);
    const grants = signing(made).map(({ part, actions, resources, conditions }) => ({
      part,
      actions,
      resources,
      conditions,
    }));
    expect(grants).toEqual([
      {
        part: 'gpu',
        actions: ['kms:Sign'],
        resources: [key],
        conditions: { StringEquals: { 'kms:SigningAlgorithm': 'ECDSA_SHA_256' } },
      },
    ]);
  });
});
