import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { registryManifest } from '#functions/cli/deploy/registry-manifest.ts';
import { createS3Client } from '#shared/adapters/aws/aws-clients.ts';
import { modelPrefix } from '#shared/deployment/names.ts';
import { ManifestSchema } from '#shared/engine/package/manifest.ts';
import { accessTo, createEmptyBucket } from '#test/helpers/aws-stand-ins.ts';
import { type HubStandIn, standInFiles, startHub } from '#test/helpers/hub-stand-in.ts';
import { fixture, rawTensors } from '#test/helpers/model-fixture.ts';
import { encodeTorchFile } from '#test/helpers/torch-file.ts';
import { installEngine } from '#test/stand-ins/engine/install.ts';
import { type Engine, startEngine } from '#test/stand-ins/engine/start.ts';
import { type SynthesisedProject, synthesiseProject } from './build-project.ts';
import { runBuildspec, shellIn } from './buildspec-runner.ts';

const CONTAINER = 'onestep-build';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

let engine: Engine;
let hub: HubStandIn;
let project: SynthesisedProject;
let source: string;
let bucket: string;

/** The hub, with SDXL and DisBack as they are there, but small. */
function startSmallHub(): Promise<HubStandIn> {
  const tiny = fixture('tiny', 'repo');
  const unet = rawTensors(join(tiny, 'unet', 'diffusion_pytorch_model.safetensors'));
  return startHub({
    'stabilityai/stable-diffusion-xl-base-1.0': { files: standInFiles(tiny) },
    'SYZhang0805/DisBack': {
      files: { 'SDXL_DisBack.bin': { content: encodeTorchFile(unet), large: true } },
      card: { license: 'mit' },
    },
  });
}

beforeAll(async () => {
  hub = await startSmallHub();
  engine = await startEngine(await installEngine());
  project = synthesiseProject();
  bucket = await createEmptyBucket();
  source = mkdtempSync(join(tmpdir(), 'onestep-build-'));
  cpSync(project.source, source, { recursive: true });
  const ofEngine = dirname(engine.env['DOCKER_CONFIG'] ?? '');
  await engine.docker(
    ...['run', '--detach', '--network', 'host', '--name', CONTAINER],
    ...['--volume', `${source}:/codebuild/src`, '--volume', `${ofEngine}:${ofEngine}`],
    ...['--volume', '/usr/bin/docker:/usr/bin/docker:ro'],
    ...[engine.base, 'sleep', '86400'],
  );
}, 1_200_000);
afterAll(async () => {
  await engine?.docker('rm', '--force', CONTAINER).catch(() => undefined);
  await engine?.stop();
  await hub?.close();
  project?.remove();
  if (source !== undefined) rmSync(source, { recursive: true, force: true });
}, 120_000);

/** What CodeBuild sets, and where the stand-ins are in place of AWS and the hub. */
function environment(overrides: Readonly<Record<string, string>>): Record<string, string> {
  const { region, accessKeyId, secretAccessKey, s3, moto } = inject('standIns');
  const { DOCKER_HOST = '', DOCKER_CONFIG = '', BUILDX_BUILDER = '' } = engine.env;
  return {
    ...project.variables,
    REPOSITORY_URI: `${engine.registry}/onestep-dev-gpu`,
    MODEL_BUCKET: bucket,
    ...overrides,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    CODEBUILD_SRC_DIR: '/codebuild/src',
    AWS_ENDPOINT_URL_S3: s3,
    AWS_ENDPOINT_URL_ECR: moto,
    HF_ENDPOINT: hub.url,
    ...{ DOCKER_HOST, DOCKER_CONFIG, BUILDX_BUILDER },
    NODE_IMAGE: engine.base,
    PYTHON_IMAGE: engine.base,
    CUDA_IMAGE: engine.base,
    CUDA_BASE_IMAGE: engine.base,
    CUDA_LIBRARIES: '',
  };
}

const run = (overrides: Readonly<Record<string, string>>) =>
  runBuildspec(project.spec, () => shellIn(CONTAINER, environment(overrides), engine.env));

describe("the buildspec's commands, phase by phase", () => {
  it('push the image as SageMaker takes it, and bring a model from the hub to the bucket', async () => {
    const { phases, exported, output } = await run({
      BUILD_IMAGE: 'yes',
      MODEL: 'syzhang0805/disback',
    });
    expect(phases, output.slice(-6000)).toEqual([
      { name: 'install', status: 'SUCCEEDED' },
      { name: 'pre_build', status: 'SUCCEEDED' },
      { name: 'build', status: 'SUCCEEDED' },
    ]);
    const { IMAGE_DIGEST: image = '', MODEL_DIGEST: digest = '' } = exported;
    expect(image).toMatch(/^sha256:[0-9a-f]{64}$/);
    const login = { user: 'AWS', password: 'token' };
    const tags = await fetch(`http://${engine.registry}/v2/onestep-dev-gpu/tags/list`);
    const [tag] = ((await tags.json()) as { tags: string[] }).tags;
    const held = await registryManifest(`${engine.registry}/onestep-dev-gpu:${tag}`, login);
    expect(held).toEqual({ digest: image, mediaType: DOCKER_MANIFEST });

    const s3 = createS3Client(accessTo('s3'));
    const object = { Bucket: bucket, Key: `${modelPrefix(digest)}manifest.json` };
    const { Body } = await s3.send(new GetObjectCommand(object));
    const manifest = ManifestSchema.parse(JSON.parse((await Body?.transformToString()) ?? ''));
    expect(manifest).toMatchObject({
      owner: 'syzhang0805',
      name: 'disback',
      digest,
      dtype: 'fp16',
    });
    expect(manifest.recipe).toMatchObject({ name: 'disback', timestep: 399 });
    expect(manifest.graphs.cuda).toBeDefined();
    for (const [path, { bytes }] of Object.entries(manifest.files)) {
      const Key = `${modelPrefix(digest)}${path}`;
      const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }));
      expect(head.ContentLength, path).toBe(bytes);
    }
  }, 1_200_000);

  it('end with the phase that fails, and export nothing of it', async () => {
    const { phases, exported, output } = await run({ MODEL: 'nobody/nothing' });
    expect(phases).toMatchObject([
      { name: 'install', status: 'SUCCEEDED' },
      { name: 'pre_build', status: 'SUCCEEDED' },
      { name: 'build', status: 'FAILED' },
    ]);
    expect(output).toMatch(/nobody\/nothing/);
    expect(exported).toEqual({ IMAGE_DIGEST: 'none', MODEL_DIGEST: 'none' });
  }, 600_000);
});
