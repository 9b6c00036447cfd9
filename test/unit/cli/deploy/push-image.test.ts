import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { pushImage } from '#functions/cli/deploy/push-image.ts';
import { registryManifest } from '#functions/cli/deploy/registry-manifest.ts';

const REPOSITORY = '123456789012.dkr.ecr.us-east-1.amazonaws.com/onestep-dev-gpu';
const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';
const DIGEST = `sha256:${'d'.repeat(64)}`;

/** A Docker whose builder answers with these metadata. */
function docker(metadata: object, held = DOCKER) {
  const calls: string[][] = [];
  const deps = {
    registryLogin: async () => ({ user: 'AWS', password: 'secret' }),
    manifestOf: async () => ({ digest: DIGEST, mediaType: held }),
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
    const { push } = docker({ 'containerimage.digest': 'sha256:of-the-settings' });
    expect(await push()).toBe(DIGEST);
  });

  it('is refused where the registry holds it as something that SageMaker does not take', async () => {
    const { push } = docker(built(DOCKER), 'application/vnd.oci.image.index.v1+json');
    await expect(push()).rejects.toThrow(/oci\.image\.index.*SageMaker refuses/);
  });
});

describe('the manifest that a registry holds', () => {
  const login = { user: 'AWS', password: 'secret' };
  const asking = (status: number) => {
    const asked: { url: string; init: RequestInit | undefined }[] = [];
    const fetcher = async (url: unknown, init?: RequestInit) => {
      asked.push({ url: String(url), init });
      const headers = { 'docker-content-digest': DIGEST, 'content-type': DOCKER };
      return new Response(null, { status, headers });
    };
    return { asked, fetcher: fetcher as typeof fetch };
  };

  it('is asked for by name and tag, with the log-in, in plain text on this machine alone', async () => {
    const { asked, fetcher } = asking(200);
    const found = await registryManifest(`${REPOSITORY}:tag`, login, fetcher);
    expect(found).toEqual({ digest: DIGEST, mediaType: DOCKER });
    await registryManifest('127.0.0.1:5000/a/b:tag', login, fetcher);
    expect(asked.map(({ url }) => url)).toEqual([
      'https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/onestep-dev-gpu/manifests/tag',
      'http://127.0.0.1:5000/v2/a/b/manifests/tag',
    ]);
    expect(new Headers(asked[0]?.init?.headers).get('authorization')).toBe(
      'Basic QVdTOnNlY3JldA==',
    );
  });

  it('that is not there is an error', async () => {
    const { fetcher } = asking(404);
    await expect(registryManifest(`${REPOSITORY}:tag`, login, fetcher)).rejects.toThrow(
      /answers 404/,
    );
  });
});
