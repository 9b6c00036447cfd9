import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readManifest } from '#shared/engine/package/manifest.ts';
import {
  COMMIT,
  type Fault,
  type HubStandIn,
  type StandInRepository,
  standInFiles,
  startHub,
} from '#test/helpers/hub-stand-in.ts';
import { runImport } from '#test/helpers/import-process.ts';
import { fixture, importFixture, rawTensors } from '#test/helpers/model-fixture.ts';
import { type CliRun, runOnestep } from '#test/helpers/run-cli.ts';
import { singleFileOf } from '#test/helpers/single-file.ts';
import { encodeTorchFile } from '#test/helpers/torch-file.ts';
import { encodeSafetensors } from '#test/helpers/write-safetensors.ts';

const TINY = fixture('tiny', 'repo');
const UNET = encodeTorchFile(rawTensors(join(TINY, 'unet', 'diffusion_pytorch_model.safetensors')));
const CARD =
  '---\nlicense: other\nlicense_name: tiny-licence\nlicense_link: https://example.com/l\n---\n';

let folder: string;
let hub: HubStandIn | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-hub-'));
});

afterEach(async () => {
  await hub?.close();
  rmSync(folder, { recursive: true });
});

async function start(
  faults: readonly Fault[] = [],
  more: Readonly<Record<string, StandInRepository>> = {},
): Promise<void> {
  hub = await startHub({
    'maker/tiny': {
      files: { ...standInFiles(TINY), 'README.md': { content: Buffer.from(CARD) } },
      card: {
        license: 'other',
        license_name: 'tiny-licence',
        license_link: 'https://example.com/l',
      },
    },
    'teacher/OneStep': {
      files: { 'OneStep_UNet.bin': { content: UNET, large: true, faults } },
      card: { license: 'mit' },
    },
    'heir/merged': {
      files: { 'all.safetensors': { content: encodeSafetensors(singleFileOf(TINY)), large: true } },
    },
    ...more,
  });
}

const withData = (words: readonly string[]) => [...words, '--data', join(folder, 'data')];

function run(words: readonly string[]): Promise<CliRun> {
  const env = { HF_ENDPOINT: hub?.url, HF_TOKEN: '' };
  return runOnestep(['import', ...withData(words)], { env });
}

const RECIPE = ['--recipe', 'disback'];
const WORDS = ['maker/tiny', '--unet', 'teacher/OneStep/OneStep_UNet.bin', ...RECIPE];

describe('onestep import from the hub', () => {
  it('is killed, goes on, and makes the package that a folder makes', async () => {
    await start([{ kind: 'slow', bytesPerSecond: UNET.length / 4 }]);
    const part = join(folder, 'data/hub/teacher/OneStep', COMMIT, 'OneStep_UNet.bin.part');
    const killed = await runImport(withData(WORDS), { HF_ENDPOINT: hub?.url }, async (child) => {
      while (!existsSync(part) || readFileSync(part).length < UNET.length / 8) await sleep(20);
      child.kill('SIGKILL');
    });
    expect(killed.code).toBeNull();
    const kept = readFileSync(part).length;
    expect(existsSync(join(folder, 'data/models'))).toBe(false);

    const done = await run(WORDS);
    expect(done.stderr).toContain('licence tiny-licence, https://example.com/l');
    expect(done.stderr).toContain('licence mit');
    expect(done.stderr).toMatch(/downloaded .* of .*\/s, 0 s left/);
    expect(done.status).toBe(0);
    const ranges = (hub?.requests ?? []).filter(({ path }) => path.endsWith('.bin'));
    expect(ranges.at(-1)?.range).toBe(`bytes=${kept}-${UNET.length - 1}`);

    const manifest = readManifest(join(folder, 'data', 'models', 'onestep'));
    expect(manifest.source).toEqual({
      repository: `maker/tiny@${COMMIT}`,
      unet: `teacher/OneStep@${COMMIT}/OneStep_UNet.bin`,
      parts: {
        text_encoder: `maker/tiny@${COMMIT}/text_encoder/model.safetensors`,
        text_encoder_2: `maker/tiny@${COMMIT}/text_encoder_2/model.safetensors`,
        unet: `teacher/OneStep@${COMMIT}/OneStep_UNet.bin`,
        vae: `maker/tiny@${COMMIT}/vae/diffusion_pytorch_model.safetensors`,
      },
    });
    expect(done.stderr).toContain(`unet: teacher/OneStep@${COMMIT}/OneStep_UNet.bin\n`);
    expect(done.stderr).toContain('recipe: disback (lcm, timestep 399, epsilon)\n');
    expect(manifest.licences).toEqual([
      { part: 'repository', name: 'tiny-licence', url: 'https://example.com/l' },
      { part: 'unet', name: 'mit' },
    ]);
    const fromDisk = await importFixture(TINY, join(folder, 'from-disk'));
    expect(manifest.digest).toBe(fromDisk.digest);
    expect(done.stdout.trim()).toBe(manifest.digest);
  });

  it('takes all weights from a single file', async () => {
    await start();
    const out = join(folder, 'merged');
    const done = await run([
      'maker/tiny',
      '--checkpoint',
      'heir/merged/all.safetensors',
      ...RECIPE,
      '--out',
      out,
    ]);
    expect(done.stderr).toContain('licence not stated');
    expect(done.status).toBe(0);
    const fromDisk = await importFixture(TINY, join(folder, 'from-disk'));
    expect(readManifest(out).digest).toBe(fromDisk.digest);
    const weights = (hub?.requests ?? []).filter(({ host }) => host === 'storage');
    expect(weights.map(({ path }) => path)).toEqual([
      `/heir/merged/resolve/${COMMIT}/all.safetensors`,
    ]);
  });

  it('takes what a single file lacks from the repository, whatever is in the cache', async () => {
    const without = Object.entries(singleFileOf(TINY)).filter(
      ([name]) => !name.startsWith('first_stage_model.'),
    );
    const content = encodeSafetensors(Object.fromEntries(without));
    await start([], { 'heir/part': { files: { 'x.safetensors': { content, large: true } } } });
    const done = await run(['maker/tiny', '--checkpoint', 'heir/part/x.safetensors', ...RECIPE]);
    expect(done.stderr).toContain(
      `vae: maker/tiny@${COMMIT}/vae/diffusion_pytorch_model.safetensors`,
    );
    expect(done.status).toBe(0);
    const fromDisk = await importFixture(TINY, join(folder, 'from-disk'));
    expect(done.stdout.trim()).toBe(fromDisk.digest);
    expect(readManifest(join(folder, 'data', 'models', 'part-x')).digest).toBe(fromDisk.digest);
  });

  it.each(['--vae', '--draft-vae'])(
    'takes a decoder by %s that is a repository',
    async (option) => {
      const decoder = fixture('extras', 'taesdxl');
      await start([], { 'heir/decoder': { files: standInFiles(decoder) } });
      const done = await run([...WORDS, option, 'heir/decoder']);
      expect(done.stderr).toContain('heir/decoder');
      expect(done.status).toBe(0);
      const own = option === '--vae' ? { vae: decoder } : { draftVae: decoder };
      const fromDisk = await importFixture(TINY, join(folder, 'from-disk'), own);
      expect(done.stdout.trim()).toBe(fromDisk.digest);
    },
  );

  it('completes no single file that has no UNet', async () => {
    const content = readFileSync(fixture('extras', 'lora-kohya.safetensors'));
    await start([], { 'heir/lora': { files: { 'x.safetensors': { content, large: true } } } });
    const done = await run(['maker/tiny', '--checkpoint', 'heir/lora/x.safetensors', ...RECIPE]);
    expect(done.stderr).toContain('is a LoRA, not a checkpoint with all parts: give it to --lora');
    expect(done.status).toBe(2);
    const weights = (hub?.requests ?? []).filter(({ host }) => host === 'storage');
    expect(weights.map(({ path }) => path)).toEqual([`/heir/lora/resolve/${COMMIT}/x.safetensors`]);
  });

  it('refuses what is not known to be one-step, with the list of recipes', async () => {
    await start();
    const unknown = await run(['maker/tiny', '--unet', 'teacher/OneStep/OneStep_UNet.bin']);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toMatch(
      /onestep: teacher\/OneStep\/OneStep_UNet\.bin is not known to make images in one step\. Recipes are disback, .*\n$/,
    );
    const file = await run(['maker/tiny', '--unet', 'teacher/OneStep', ...RECIPE]);
    expect(file.status).toBe(2);
    expect(file.stderr).toContain('It has teacher/OneStep/OneStep_UNet.bin.');
  });

  it('refuses a package that would not fit before it fetches weights', async () => {
    await start();
    const config = JSON.parse(readFileSync(join(TINY, 'unet/config.json'), 'utf8'));
    const vast = { ...standInFiles(TINY) };
    // Petabytes of weights, should anybody ask for them.
    const widths = config.block_out_channels.map(() => 3 * 2 ** 18);
    const content = Buffer.from(JSON.stringify({ ...config, block_out_channels: widths }));
    vast['unet/config.json'] = { content };
    await hub?.close();
    hub = await startHub({ 'maker/vast': { files: vast } });
    const refused = await run(['maker/vast', ...RECIPE]);
    expect(refused.stderr).toMatch(/onestep: .*: the download takes .*, the package takes .*, but/);
    expect(refused.status).toBe(1);
    expect(hub.requests.filter(({ host }) => host === 'storage')).toEqual([]);
  });

  it('says in one line what is not there', async () => {
    await start();
    const missing = await run(['maker/tiny', '--unet', 'teacher/OneStep/Two_UNet.bin']);
    expect(missing.status).toBe(2);
    expect(missing.stderr).toMatch(/^onestep: teacher\/OneStep has no file Two_UNet\.bin.*\n$/);
    const unknown = await run(['maker/none']);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toMatch(/^onestep: maker\/none does not exist on .*\n$/);
    const neither = await run(['maker/tiny/unet']);
    expect(neither.status).toBe(2);
    expect(neither.stderr).toMatch(
      /^onestep: maker\/tiny\/unet is neither a folder here nor OWNER.*\n$/,
    );
  });
});
