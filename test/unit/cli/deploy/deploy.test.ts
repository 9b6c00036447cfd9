import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeployDeps, deploy } from '#functions/cli/deploy/deploy.ts';
import type { Finding } from '#functions/cli/deploy/preflight.ts';
import { fitsLambda } from '#functions/cli/deploy/without-quota.ts';
import { parseSettings } from '#shared/deployment/settings.ts';
import { sampleManifest } from '#test/helpers/sample-manifest.ts';

const manifest = sampleManifest();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onestep-deploy-'));
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
});
afterAll(() => rmSync(folder, { recursive: true }));

const settings = parseSettings({
  'onestep:models': [{ name: 'a/one', digest: manifest.digest }],
});

const IMAGE = `sha256:${'e'.repeat(64)}`;
/** What a build makes of a model of the hub. */
const MADE = { ...manifest, owner: 'syzhang0805', name: 'disback', digest: 'd'.repeat(64) };

function world(change: Partial<DeployDeps> = {}) {
  const steps: string[] = [];
  const deps: DeployDeps = {
    preflight: async () => [],
    deployStacks: async (parts) => void steps.push(`cdk ${parts.join(' ')}`),
    stackOutputs: async (name) =>
      name.endsWith('data')
        ? { ModelBucketName: 'models', RepositoryUri: '1.dkr.ecr/x' }
        : { Url: 'https://d.cloudfront.net', FunctionUrl: 'https://f.lambda-url' },
    isPushed: async () => false,
    pushPackage: async (path, bucket) => void steps.push(`push ${path === folder} ${bucket}`),
    hasImage: async () => true,
    build: async (_places, { image, model }) => {
      steps.push(`build ${[image && 'image', model].filter(Boolean).join(' and ')}`);
      return {
        ...(image && { imageDigest: IMAGE }),
        ...(model !== undefined && { modelDigest: MADE.digest }),
      };
    },
    readPushed: async () => MADE,
    bootstrap: async (environment) => void steps.push(`bootstrap ${environment}`),
    stageDrawing: async () => void steps.push('stage'),
    buildImage: false,
    note: (notes) => {
      for (const [key, value] of Object.entries(notes)) steps.push(`${key} = ${value}`);
    },
    say: () => undefined,
    step: (_title, work) => work(),
    ...change,
  };
  return { deps, steps };
}

describe('deploy', () => {
  it('goes data stack, package, image, the rest', async () => {
    const { deps, steps } = world();
    const result = await deploy(deps, settings, [folder]);
    expect(steps).toEqual([
      'cdk data',
      'build image',
      `imageDigest = ${IMAGE}`,
      'push true models',
      'cdk edge gpu api webhooks operations',
    ]);
    expect(result).toEqual({
      url: 'https://d.cloudfront.net',
      functionUrl: 'https://f.lambda-url',
    });
  });

  it('goes on where it stopped: what is pushed and built is left alone', async () => {
    const { deps, steps } = world({ isPushed: async () => true });
    await deploy(deps, { ...settings, imageDigest: `sha256:${'c'.repeat(64)}` }, []);
    expect(steps).toEqual(['cdk data', 'cdk edge gpu api webhooks operations']);
  });

  it('takes a function on a CPU where the account has no quota for a GPU and the model fits', async () => {
    const findings: Finding[] = [
      { check: 'ml.g6.xlarge for endpoint usage', ok: false, says: 'is 0', forGpu: 'quota' },
      { check: 'Docker', ok: false, says: 'does not answer', forGpu: 'image' },
    ];
    const { deps, steps } = world({ preflight: async () => findings });
    await deploy(deps, settings, [folder]);
    const [noted = '', ...rest] = steps;
    expect(noted).toMatch(/^models = /);
    const models = JSON.parse(noted.replace('models = ', ''));
    expect(models).toMatchObject([{ name: 'a/one', digest: manifest.digest, compute: 'lambda' }]);
    expect(parseSettings({ 'onestep:models': JSON.stringify(models) }).models).toEqual(models);
    expect(rest).toEqual([
      'stage',
      'cdk data',
      'push true models',
      'cdk edge gpu api webhooks operations',
    ]);
  });

  it('prepares an account and region for the CDK that never were, before anything else', async () => {
    const finding = { check: 'bootstrap eu-west-1', ok: false, says: 'never', command: 'npx …' };
    const { deps, steps } = world({
      preflight: async () => [{ ...finding, bootstrap: 'aws://1/eu-west-1' }],
    });
    await deploy(deps, settings, [folder]);
    expect(steps.slice(0, 2)).toEqual(['bootstrap aws://1/eu-west-1', 'cdk data']);
  });

  it('asks for the quota where the model does not fit, or is not at hand', async () => {
    const findings: Finding[] = [
      { check: 'ml.g6.xlarge for endpoint usage', ok: false, says: 'is 0', forGpu: 'quota' },
    ];
    const { deps, steps } = world({ preflight: async () => findings, isPushed: async () => true });
    await expect(deploy(deps, settings, [])).rejects.toThrow(/is 0/);
    expect(steps).toEqual([]);
    const large = { files: { 'unet.onnx_data': { bytes: 5e9, sha256: '' } } };
    expect(fitsLambda(large)).toBe(false);
  });

  it('says how to go on without a GPU where a model of the hub was wanted', async () => {
    const findings: Finding[] = [
      { check: 'ml.g6.xlarge for endpoint usage', ok: false, says: 'is 0', forGpu: 'quota' },
    ];
    const { deps, steps } = world({ preflight: async () => findings });
    const wanted = { ...settings, importing: 'syzhang0805/disback' };
    await expect(deploy(deps, wanted, [folder])).rejects.toThrow(/is 0.*--model demo/s);
    expect(steps).toEqual([]);
  });

  it('deploys no endpoint without its package, and says which is missing', async () => {
    const { deps, steps } = world();
    const other = { ...settings, models: [{ ...settings.models[0], digest: 'f'.repeat(64) }] };
    // Before anything is made, and before a minute is lost.
    await expect(deploy(deps, other as typeof settings, [folder])).rejects.toThrow(
      new RegExp(`a/one .digest f{64}.*${folder} is ${manifest.digest}`),
    );
    expect(steps).toEqual([]);
    const first = world({ stackOutputs: async () => undefined });
    await expect(deploy(first.deps, other as typeof settings, [folder])).rejects.toThrow(
      /neither in a bucket nor among/,
    );
  });

  it('says what stands in the way later, and notes the setting that helps', async () => {
    const said: string[] = [];
    const { deps, steps } = world({
      preflight: async () => [
        {
          check: 'concurrency',
          ok: true,
          warns: true,
          says: 'It is small.',
          command: 'aws ask',
          setting: ['reserveConcurrency', false],
        },
      ],
      say: (line) => void said.push(line),
    });
    await deploy(deps, settings, [folder]);
    expect(steps.slice(0, 2)).toEqual(['reserveConcurrency = false', 'cdk data']);
    expect(said.join()).toMatch(/It is small.*aws ask/s);
  });

  it('warns that no mail is sent where nobody is to be mailed', async () => {
    const said: string[] = [];
    await deploy(world({ say: (line) => void said.push(line) }).deps, settings, [folder]);
    expect(said.join()).toMatch(/no mail is sent.*kill switch/);
  });

  it('builds the image again that the repository has lost', async () => {
    const { deps, steps } = world({ isPushed: async () => true, hasImage: async () => false });
    await deploy(deps, { ...settings, imageDigest: `sha256:${'c'.repeat(64)}` }, []);
    expect(steps).toContain('build image');
  });

  it('has the account import a model of the hub, which takes the place of the example', async () => {
    const isPushed = async (_bucket: string, digest: string) => digest === MADE.digest;
    const stackOutputs = async (name: string) =>
      name.endsWith('data')
        ? { ModelBucketName: 'models', RepositoryUri: '1.dkr.ecr/x' }
        : undefined;
    const { deps, steps } = world({ isPushed, stackOutputs });
    const wanted = { ...settings, importing: 'SYZhang0805/DisBack' };
    // The api stack is still to come, here for good.
    await expect(deploy(deps, wanted, [])).rejects.toThrow(/api is not there/);
    expect(steps.slice(0, 3)).toEqual([
      'cdk data',
      'build image and SYZhang0805/DisBack',
      `imageDigest = ${IMAGE}`,
    ]);
    expect(steps.slice(4)).toEqual([
      'importing = undefined',
      'cdk edge gpu api webhooks operations',
    ]);
    const models = JSON.parse(steps[3]?.replace('models = ', '') ?? '');
    expect(models).toMatchObject([{ name: 'syzhang0805/disback', digest: MADE.digest }]);
  });

  it('adds a model of the hub to what is deployed', async () => {
    const { deps, steps } = world({ isPushed: async () => true });
    await deploy(deps, { ...settings, imageDigest: IMAGE, importing: 'syzhang0805/disback' }, []);
    const noted = steps.find((step) => step.startsWith('models = ')) ?? '';
    const models = JSON.parse(noted.replace('models = ', ''));
    expect(models.map(({ name }: { name: string }) => name)).toEqual([
      'a/one',
      'syzhang0805/disback',
    ]);
    expect(steps).toContain('build syzhang0805/disback');
  });

  it('takes no package that a GPU could not run', async () => {
    const cpuOnly = mkdtempSync(join(tmpdir(), 'onestep-deploy-'));
    const { cuda: _cuda, ...graphs } = manifest.graphs;
    writeFileSync(join(cpuOnly, 'manifest.json'), JSON.stringify({ ...manifest, graphs }));
    const { deps, steps } = world();
    await expect(deploy(deps, settings, [cpuOnly])).rejects.toThrow(/--dtype fp16/);
    expect(steps).toEqual([]);
    rmSync(cpuOnly, { recursive: true });
  });

  it('begins nothing when preflight finds something', async () => {
    const says = 'The quota is too small.';
    const { deps, steps } = world({
      preflight: async () => [{ check: 'quota', ok: false, says, command: 'aws ask' }],
    });
    await expect(deploy(deps, settings, [folder])).rejects.toThrow(/too small.*aws ask/s);
    expect(steps).toEqual([]);
  });

  it('refuses a folder that is no package before anything is made', async () => {
    const { deps, steps } = world();
    await expect(deploy(deps, settings, [tmpdir()])).rejects.toThrow(/not a model package/);
    expect(steps).toEqual([]);
  });
});
