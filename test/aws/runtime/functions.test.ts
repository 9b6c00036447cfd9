import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { BundleName } from '#infra/bundles.ts';
import { createS3Client } from '#shared/adapters/aws/aws-clients.ts';
import { inspectImage } from '#shared/provenance/verify/inspect-image.ts';
import { accessTo, createEmptyBucket } from '#test/helpers/aws-stand-ins.ts';
import {
  type DeployedFunctions,
  synthesiseFunctions,
  withValues,
} from '#test/helpers/deployed-functions.ts';
import {
  type EmulatedFunction,
  emulateFunction,
} from '#test/stand-ins/lambda/emulated-function.ts';
import { installLambda, type LambdaParts } from '#test/stand-ins/lambda/install.ts';

/** Answers AWS's calls by what a test says, and notes them. */
interface Recorder {
  readonly url: string;
  readonly calls: { readonly what: string; readonly body: unknown }[];
  answer: (what: string) => { status?: number; body: unknown } | 'never';
  stop(): Promise<void>;
}

let parts: LambdaParts;
let deployed: DeployedFunctions;
let aws: Recorder;
const lines: string[] = [];
const running: EmulatedFunction[] = [];

beforeAll(async () => {
  parts = await installLambda();
  deployed = await synthesiseFunctions({});
  aws = await startRecorder();
}, 600_000);
afterEach(async () => {
  await Promise.all(running.splice(0).map((fn) => fn.stop()));
  aws.calls.length = 0;
});
afterAll(async () => {
  await aws?.stop();
  deployed?.remove();
});

async function emulate(name: BundleName, changes: { timeoutSeconds?: number } = {}) {
  const { accessKeyId, secretAccessKey, s3 } = inject('standIns');
  const fn = withValues(
    deployed.functions[name],
    { API_FUNCTION_NAME: 'onestep-dev-api-Api' },
    {
      AWS_ENDPOINT_URL_S3: s3,
      AWS_ENDPOINT_URL_LAMBDA: aws.url,
      AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING: aws.url,
      AWS_ENDPOINT_URL_SAGEMAKER: aws.url,
      AWS_ENDPOINT_URL_ECR: aws.url,
    },
  );
  const emulated = await emulateFunction({
    parts,
    fn: { ...fn, ...changes },
    credentials: { accessKeyId, secretAccessKey },
    onLine: (line) => void lines.push(line),
  });
  running.push(emulated);
  return emulated;
}

describe('the kill switch, under the emulator', () => {
  const ENDPOINT = 'onestep-dev-onestep-demo';
  const notification = { Records: [{ EventSource: 'aws:sns', Sns: { Message: 'ALARM' } }] };
  const configuration = { Environment: { Variables: { TABLE_NAME: 't' } }, RevisionId: 'r1' };

  it('pauses at a notification: the API, the most instances, the instances', async () => {
    aws.answer = () => ({ body: configuration });
    const kill = await emulate('kill-switch');
    expect(await kill.invoke(notification)).toEqual({ action: 'pause', problems: [] });
    expect(aws.calls).toEqual([
      { what: 'GET configuration', body: undefined },
      {
        what: 'PUT configuration',
        body: { Environment: { Variables: { TABLE_NAME: 't', PAUSED: '1' } }, RevisionId: 'r1' },
      },
      {
        what: 'RegisterScalableTarget',
        body: expect.objectContaining({ MinCapacity: 0, MaxCapacity: 0 }),
      },
      {
        what: 'UpdateEndpointWeightsAndCapacities',
        body: {
          EndpointName: ENDPOINT,
          DesiredWeightsAndCapacities: [{ VariantName: 'gpu', DesiredInstanceCount: 0 }],
        },
      },
    ]);
  });

  it('resumes when told to', async () => {
    aws.answer = () => ({ body: configuration });
    const kill = await emulate('kill-switch');
    expect(await kill.invoke({ action: 'resume' })).toEqual({ action: 'resume', problems: [] });
    expect(aws.calls.map(({ what }) => what)).toEqual([
      'RegisterScalableTarget',
      'GET configuration',
      'PUT configuration',
    ]);
  });

  it('fails when a step fails, so that Lambda tries again, and does the rest', async () => {
    aws.answer = (what) =>
      what === 'UpdateEndpointWeightsAndCapacities'
        ? { status: 400, body: { __type: 'ValidationException', message: 'is being updated' } }
        : { body: configuration };
    const kill = await emulate('kill-switch');
    expect(await kill.invoke(notification)).toMatchObject({
      errorType: 'Error',
      errorMessage: expect.stringMatching(/not complete.*is being updated/),
    });
    expect(aws.calls.map(({ what }) => what)).toContain('RegisterScalableTarget');
  });

  it('is ended at its time limit, and answers the next event', async () => {
    aws.answer = () => 'never';
    const kill = await emulate('kill-switch', { timeoutSeconds: 2 });
    expect(await kill.invoke(notification)).toMatchObject({ errorType: 'Sandbox.Timedout' });
    aws.answer = () => ({ body: configuration });
    expect(await kill.invoke(notification)).toMatchObject({ problems: [] });
  });
});

describe('the package check, under the emulator', () => {
  const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';
  const OCI = 'application/vnd.oci.image.manifest.v1+json';

  /** Lets CloudFormation ask; resolves to what it is told. */
  async function ask(type: string, mediaType: string, pushed = true) {
    aws.answer = () => ({ body: { imageDetails: [{ imageManifestMediaType: mediaType }] } });
    const bucket = await createEmptyBucket();
    if (pushed) {
      await createS3Client(accessTo('s3')).send(
        new PutObjectCommand({ Bucket: bucket, Key: 'models/a/manifest.json', Body: '{}' }),
      );
    }
    const check = await emulate('package-check');
    const answer = await check.invoke({
      RequestType: type,
      ResponseURL: `${aws.url}/cloudformation`,
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'PackageCheck',
      ResourceProperties: {
        Bucket: bucket,
        Manifests: ['models/a/manifest.json'],
        Repository: 'onestep-dev-gpu',
        ImageDigest: `sha256:${'a'.repeat(64)}`,
      },
    });
    expect(answer ?? null).toBeNull();
    return aws.calls.find(({ what }) => what === 'PUT cloudformation')?.body;
  }

  it('lets an image and packages through that SageMaker takes', async () => {
    expect(await ask('Create', DOCKER)).toMatchObject({ Status: 'SUCCESS', RequestId: 'request' });
  });

  it('fails with one sentence for an OCI manifest, and for a package that is not there', async () => {
    expect(await ask('Update', OCI)).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(/oci\.image.*SageMaker refuses.*onestep deploy --build-image/),
    });
    aws.calls.length = 0;
    expect(await ask('Create', DOCKER, false)).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('has not been pushed'),
    });
  });

  it('lets everything go', async () => {
    expect(await ask('Delete', OCI, false)).toMatchObject({ Status: 'SUCCESS' });
  });
});

describe('the reader of images', () => {
  it('reads a picture with what it was deployed with, and refuses what is none', async () => {
    const inspect = await emulate('inspect');
    const plain = { width: 64, height: 64, channels: 3, background: 'red' } as const;
    const picture = await sharp({ create: plain }).webp().toBuffer();
    expect(await inspect.invoke({ file: picture.toString('base64') })).toEqual({
      facts: JSON.parse(JSON.stringify(await inspectImage(picture))),
    });
    expect(await inspect.invoke({ file: 'AAAA' })).toMatchObject({ code: 'invalid-file' });
  });
});

async function startRecorder(): Promise<Recorder> {
  const calls: Recorder['calls'] = [];
  const server: Server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const recorder: Recorder = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    answer: () => ({ body: {} }),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  async function handle(request: IncomingMessage, response: ServerResponse) {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const target = request.headers['x-amz-target'];
    const what =
      target === undefined
        ? `${request.method} ${request.url?.split('/').at(-1)}`
        : String(String(target).split('.').at(-1));
    calls.push({ what, body: text === '' ? undefined : JSON.parse(text) });
    const answer = recorder.answer(what);
    if (answer === 'never') return;
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  }
  return recorder;
}
