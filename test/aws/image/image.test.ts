import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushImage } from '#functions/cli/deploy/push-image.ts';
import { registryManifest } from '#functions/cli/deploy/registry-manifest.ts';
import type { RunCommand } from '#functions/cli/deploy/run-command.ts';
import { checkPushed } from '#infra/handlers/package-check/check-pushed.ts';
import { createS3Client } from '#shared/adapters/aws/aws-clients.ts';
import { ReceiptSchema } from '#shared/core/inference.ts';
import { accessTo, createEmptyBucket } from '#test/helpers/aws-stand-ins.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { inferenceRequest } from '#test/helpers/gpu-process.ts';
import { freePort } from '#test/helpers/processes.ts';
import { installEngine } from '#test/stand-ins/engine/install.ts';
import { type Engine, startEngine } from '#test/stand-ins/engine/start.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** What a machine with 16 GiB gives the container beside the system. */
const MEMORY = '14g';

let engine: Engine;
let demo: DemoPackage;
let digest: string;

beforeAll(async () => {
  demo = await importDemo();
  engine = await startEngine(await installEngine());
}, 900_000);
afterAll(async () => {
  await engine?.stop();
  demo?.remove();
});

/** As `deploy` runs programs, with this engine's Docker. */
const run: RunCommand = async (program, words, { cwd, input = '' }) => {
  const child = spawn(program, [...words], {
    cwd,
    env: engine.env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk;
    });
  }
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${said.slice(-3000)}`);
  return said;
};

/** A manifest as the registry has it. */
async function manifestOf(repository: string, reference: string) {
  const answer = await fetch(`http://${engine.registry}/v2/${repository}/manifests/${reference}`, {
    headers: { accept: `${DOCKER_MANIFEST}, ${OCI_MANIFEST}` },
  });
  const manifest = (await answer.json()) as {
    mediaType: string;
    layers: { mediaType: string; size: number }[];
  };
  return { digest: answer.headers.get('docker-content-digest'), ...manifest };
}

const bases = () => ({
  NODE_IMAGE: engine.base,
  PYTHON_IMAGE: engine.base,
  CUDA_IMAGE: engine.base,
  CUDA_BASE_IMAGE: engine.base,
  CUDA_LIBRARIES: '',
});

describe('the image of the GPU function', () => {
  it('is built and pushed by the code of deploy, as SageMaker takes it', async () => {
    const began = Date.now();
    const registryLogin = async () => ({ user: 'AWS', password: 'token' });
    const login = { registryLogin, manifestOf: registryManifest, run };
    const uri = `${engine.registry}/onestep-dev-gpu`;
    digest = await pushImage(login, ROOT, uri, 'test', bases());
    const manifest = await manifestOf('onestep-dev-gpu', digest);
    expect(manifest).toMatchObject({ digest, mediaType: DOCKER_MANIFEST });
    expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual(
      manifest.layers.map(() => 'application/vnd.docker.image.rootfs.diff.tar.gzip'),
    );
    const megabytes = manifest.layers.reduce((sum, { size }) => sum + size, 0) / 1e6;
    // With CUDA's own libraries it is some 3 GB more; SageMaker takes 10 GB.
    expect(megabytes).toBeLessThan(700);
    process.stderr.write(
      `Image of ${megabytes.toFixed(0)} MB, built and pushed in ${Math.round((Date.now() - began) / 1000)} s\n`,
    );
  }, 600_000);

  it('would have a manifest that SageMaker refuses, if BuildKit were not told', async () => {
    const reference = `${engine.registry}/onestep-untold:test`;
    await run(
      'docker',
      [
        ...['buildx', 'build', '--platform', 'linux/amd64', '--provenance=false', '--sbom=false'],
        ...['--output', `type=image,name=${reference},push=true`],
        ...Object.entries(bases()).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
        ...['--file', 'functions/gpu/Dockerfile', '.'],
      ],
      { cwd: ROOT },
    );
    const { mediaType } = await manifestOf('onestep-untold', 'test');
    expect(mediaType).toBe(OCI_MANIFEST);
    const refusal = await checkPushed(
      {
        objectExists: async () => true,
        describeImage: async () => ({
          imageDetails: [{ imageManifestMediaType: mediaType }],
          $metadata: {},
        }),
      },
      { bucket: 'b', manifests: [], repository: 'r', imageDigest: digest },
    );
    expect(refusal).toMatch(/SageMaker refuses.*onestep deploy --build-image/);
  }, 300_000);
});

interface Container {
  readonly url: string;
  readonly process: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

/** `docker run IMAGE serve`, with the package where SageMaker mounts it, and nothing written elsewhere. */
async function runContainer(words: readonly string[], env: Record<string, string>) {
  const port = await freePort();
  const variables = Object.entries({ ...env, PORT: String(port) });
  const child = spawn(
    'docker',
    [
      ...['run', '--rm', '--network', 'host', '--memory', MEMORY, '--read-only', '--tmpfs', '/tmp'],
      ...['--volume', `${demo.folder}:/opt/ml/model:ro`],
      ...variables.flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ...[`${engine.registry}/onestep-dev-gpu@${digest}`, 'serve', ...words],
    ],
    { env: engine.env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { url: `http://127.0.0.1:${port}`, process: child, said: () => said, ended };
}

describe('its container', () => {
  it('refuses to start where no GPU is', async () => {
    const { ended, said } = await runContainer([], {});
    expect(await ended).toBe(1);
    expect(said()).toContain('--allow-cpu');
  }, 120_000);

  it('serves the demo on the CPU, writes to S3, and ends at SIGTERM', async () => {
    const bucket = await createEmptyBucket();
    const s3 = accessTo('s3');
    const container: Container = await runContainer(['--allow-cpu'], {
      OUTPUT_BUCKET_NAME: bucket,
      AWS_REGION: s3.region,
      S3_ENDPOINT: s3.endpoint ?? '',
      AWS_ACCESS_KEY_ID: s3.credentials?.accessKeyId ?? '',
      AWS_SECRET_ACCESS_KEY: s3.credentials?.secretAccessKey ?? '',
    });
    try {
      await expect
        .poll(() => pingStatus(container.url), { timeout: 60_000, interval: 200 })
        .toBe(200);
      const order = inferenceRequest('job-1', {
        model: { name: 'demo' },
        store: { kind: 's3', bucket, prefix: 'outputs/job-1/' },
      });
      const answer = await fetch(`${container.url}/invocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(order),
      });
      const receipt = ReceiptSchema.parse(await answer.json());
      const object = await createS3Client(s3).send(
        new GetObjectCommand({ Bucket: bucket, Key: receipt.images[0]?.key ?? '' }),
      );
      const picture = Buffer.from((await object.Body?.transformToByteArray()) ?? []);
      expect((await sharp(picture).metadata()).format).toBe('png');
    } catch (error) {
      throw new Error(`It said: ${container.said()}`, { cause: error });
    } finally {
      container.process.kill('SIGTERM');
    }
    expect(await container.ended, container.said()).toBe(0);
  }, 180_000);
});

async function pingStatus(url: string): Promise<number> {
  return fetch(`${url}/ping`).then(
    ({ status }) => status,
    () => 0,
  );
}
