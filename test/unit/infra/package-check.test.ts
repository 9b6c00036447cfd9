import { describe, expect, it } from 'vitest';
import { answerCloudFormation } from '#infra/handlers/package-check/answer-cloudformation.ts';
import { checkPushed } from '#infra/handlers/package-check/check-pushed.ts';

const THINGS = {
  bucket: 'models',
  manifests: ['models/a/manifest.json', 'models/b/manifest.json'],
  repository: 'onestep-dev-gpu',
  imageDigest: 'sha256:abc',
};
const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';

const image = (imageManifestMediaType: string) => async () => ({
  $metadata: {},
  imageDetails: [{ imageManifestMediaType }],
});

describe('package check', () => {
  it('is content when manifests and image are there', async () => {
    const deps = { objectExists: async () => true, describeImage: image(DOCKER) };
    expect(await checkPushed(deps, THINGS)).toBeUndefined();
  });

  it('names the package that is missing and the command that brings it', async () => {
    const deps = {
      objectExists: async (_: string, key: string) => key.includes('/a/'),
      describeImage: image(DOCKER),
    };
    expect(await checkPushed(deps, THINGS)).toMatch(
      /s3:\/\/models\/models\/b\/ has not been pushed\. Run "onestep deploy"/,
    );
  });

  it('names an image that is missing, or of a kind that SageMaker refuses', async () => {
    const objectExists = async () => true;
    expect(
      await checkPushed({ objectExists, describeImage: async () => undefined }, THINGS),
    ).toMatch(/no image sha256:abc/);
    const oci = image('application/vnd.oci.image.manifest.v1+json');
    expect(await checkPushed({ objectExists, describeImage: oci }, THINGS)).toMatch(/refuses/);
  });

  it('tells CloudFormation the sentence', async () => {
    let sent: { url: string; body: Record<string, unknown> } | undefined;
    const send = (async (url: string, init: RequestInit) => {
      sent = { url, body: JSON.parse(String(init.body)) };
      return new Response();
    }) as typeof fetch;
    const event = {
      ResponseURL: 'https://answer.example/',
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'PackageCheck',
    };
    await answerCloudFormation(send, event, 'It has not been pushed.');
    expect(sent?.body).toMatchObject({ Status: 'FAILED', Reason: 'It has not been pushed.' });
    await answerCloudFormation(send, event, undefined);
    expect(sent?.body).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'PackageCheck' });
  });
});
