import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { pushImage } from '#functions/cli/deploy/push-image.ts';

const REPOSITORY = '123456789012.dkr.ecr.us-east-1.amazonaws.com/onestep-dev-gpu';
const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';
const DIGEST = `sha256:${'d'.repeat(64)}`;

/** A Docker whose builder answers with these metadata. */
function docker(metadata: object) {
  const calls: string[][] = [];
  const deps = {
    registryLogin: async () => ({ user: 'AWS', password: 'secret' }),
    run: async (_program: string, words: readonly string[]) => {
      calls.push([...words]);
      const at = words.indexOf('--metadata-file');
      if (at !== -1) await writeFile(words[at + 1] ?? '', JSON.stringify(metadata));
      return '';
    },
  };
  return { calls, push: () => pushImage(deps, '/project', REPOSITORY, 'tag') };
}

const built = (mediaType: string) => ({
  'containerimage.digest': DIGEST,
  'containerimage.descriptor': { mediaType, digest: DIGEST, size: 1 },
});

describe('the image of the GPU function', () => {
  it("is built with Docker's media types, looked at, and pushed", async () => {
    const { calls, push } = docker(built(DOCKER));
    expect(await push()).toBe(DIGEST);
    const outputs = calls.map((words) => words.find((word) => word.startsWith('type=')));
    const output = `type=image,name=${REPOSITORY}:tag,oci-mediatypes=false`;
    expect(outputs).toEqual([undefined, `${output},push=false`, `${output},push=true`]);
    expect(calls.flat()).not.toContain('secret');
    expect(calls.slice(1).every((words) => words.includes('--provenance=false'))).toBe(true);
  });

  it('is not pushed with a manifest that SageMaker refuses', async () => {
    const { calls, push } = docker(built('application/vnd.oci.image.manifest.v1+json'));
    await expect(push()).rejects.toThrow(/oci\.image\.manifest.*SageMaker refuses/);
    expect(calls.flat().some((word) => word.includes('push=true'))).toBe(false);
  });

  it("is pushed by Docker's own store, which names no media type", async () => {
    const { push } = docker({ 'containerimage.digest': DIGEST });
    expect(await push()).toBe(DIGEST);
  });
});
