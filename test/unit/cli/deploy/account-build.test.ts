import { describe, expect, it } from 'vitest';
import { type AccountBuildDeps, buildInAccount } from '#functions/cli/deploy/account-build.ts';
import { createMemoryBuilds } from '#test/helpers/memory-builds.ts';

const IMAGE = `sha256:${'e'.repeat(64)}`;
const MODEL = 'd'.repeat(64);
const BOTH = { image: true, model: 'syzhang0805/disback' };

function setUp(change: Partial<AccountBuildDeps> = {}) {
  const account = createMemoryBuilds({ IMAGE_DIGEST: IMAGE, MODEL_DIGEST: MODEL });
  const said: string[] = [];
  const deps: AccountBuildDeps = {
    ...account,
    isThere: async () => true,
    again: false,
    say: (line) => void said.push(line),
    sleep: async () => undefined,
    now: () => 130_000,
    ...change,
  };
  return { account, said, deps };
}

describe('a build in the account', () => {
  it('is begun with what is wanted, followed by its phases, and read for its digests', async () => {
    const { account, said, deps } = setUp();
    expect(await buildInAccount(deps, BOTH)).toEqual({ imageDigest: IMAGE, modelDigest: MODEL });
    expect(account.builds).toHaveLength(1);
    expect(account.builds[0]?.variables).toEqual({ BUILD_IMAGE: 'yes', MODEL: BOTH.model });
    expect(said.join('\n')).toMatch(/log: https:\/\/log.*2:10 image.*2:10 model: from the hub/s);
  });

  it('wants no digest of what was not wanted', async () => {
    const { account, deps } = setUp();
    account.ending = {
      status: 'SUCCEEDED',
      exported: { IMAGE_DIGEST: IMAGE, MODEL_DIGEST: 'none' },
    };
    const built = await buildInAccount(deps, { image: true, model: undefined });
    expect(built).toEqual({ imageDigest: IMAGE });
    expect(account.builds[0]?.variables).toEqual({ BUILD_IMAGE: 'yes', MODEL: 'none' });
  });

  it('that runs already is waited for, and one that ended well is not made again', async () => {
    const { account, deps } = setUp();
    await account.start({ BUILD_IMAGE: 'yes', MODEL: BOTH.model }, 'of a run that was killed');
    await buildInAccount(deps, BOTH);
    await buildInAccount(deps, BOTH);
    expect(account.builds).toHaveLength(1);
    await buildInAccount(deps, { image: true, model: undefined });
    expect(account.builds).toHaveLength(2);
  });

  it.each([
    ['its results are gone', { isThere: async () => false }],
    ['it is asked for', { again: true }],
  ])('is made again when %s', async (_, change) => {
    const { account, deps } = setUp(change);
    await buildInAccount(deps, BOTH);
    await buildInAccount(deps, BOTH);
    expect(account.builds).toHaveLength(2);
  });

  it('is made again from other sources', async () => {
    const { account, deps } = setUp();
    await buildInAccount(deps, BOTH);
    account.sources = 'assets/2.zip';
    await buildInAccount(deps, BOTH);
    expect(account.builds).toHaveLength(2);
  });

  it('that fails says where and why, and the next run begins another', async () => {
    const { account, deps } = setUp();
    const { ending } = account;
    account.ending = { status: 'FAILED', failure: 'BUILD: exit status 1' };
    await expect(buildInAccount(deps, BOTH)).rejects.toThrow(
      /FAILED \(BUILD: exit status 1\).*https:\/\/log.*run "onestep deploy" again.*--build local/,
    );
    account.ending = ending;
    await buildInAccount(deps, BOTH);
    expect(account.builds.map(({ status }) => status)).toEqual(['FAILED', 'SUCCEEDED']);
  });

  it('that ends well without a digest is an error', async () => {
    const { account, deps } = setUp();
    account.ending = { status: 'SUCCEEDED', exported: { MODEL_DIGEST: MODEL } };
    await expect(buildInAccount(deps, BOTH)).rejects.toThrow(/IMAGE_DIGEST = nothing/);
  });
});
