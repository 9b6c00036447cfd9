import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Recipe } from '#shared/core/recipe.ts';
import { type Manifest, readManifest } from '#shared/engine/package/manifest.ts';
import { recipeNamed } from '#shared/engine/package/recipes.ts';
import { loadPipeline } from '#shared/engine/pipeline/pipeline.ts';
import {
  copyOfTiny,
  fixture,
  importFixture,
  temporaryFolder,
} from '#test/helpers/model-fixture.ts';
import { readSafetensors } from '#test/helpers/read-safetensors.ts';
import { peakSignalToNoise, relativeError, shareWithinOne } from '#test/helpers/run-stages.ts';

const STAGE_BAR = 1e-4;
const PIXEL_BAR = 0.999;
const FP16_BAR_DB = 45;

const folder = temporaryFolder();
afterAll(folder.remove);

const VPRED: Recipe = {
  name: 'custom',
  scheduler: 'lcm',
  timestep: 399,
  prediction: 'v_prediction',
};
const KINDS = readdirSync(fixture('kinds')).map((file) => basename(file, '.safetensors'));

async function draw(path: string, metadata: Readonly<Record<string, string>>) {
  const pipeline = await loadPipeline(path, { device: 'cpu', spin: false });
  try {
    const { prompt = '', seed, width, height } = metadata;
    const request = {
      prompt,
      seed: Number(seed),
      width: Number(width),
      height: Number(height),
      numOutputs: 1,
    };
    for await (const picture of pipeline.generate(request)) return picture;
    throw new Error('No picture');
  } finally {
    await pipeline.close();
  }
}

describe('each recipe', () => {
  it.each(KINDS)('draws what diffusers does with %s', async (kind) => {
    const recipe = kind === 'vpred' ? VPRED : recipeNamed(kind);
    const { tensors, metadata } = readSafetensors(fixture('kinds', `${kind}.safetensors`));
    const expected = (name: string) => tensors[name]?.values ?? [];
    for (const dtype of ['fp32', 'fp16'] as const) {
      const out = join(folder.path, `${kind}-${dtype}`);
      const manifest = await importFixture(fixture('tiny', 'repo'), out, { recipe, dtype });
      expect(manifest.recipe).toEqual(recipe);
      const { stages, pixels } = await draw(out, metadata);
      if (dtype === 'fp16') {
        expect(peakSignalToNoise(pixels, expected('pixels'))).toBeGreaterThan(FP16_BAR_DB);
        continue;
      }
      expect(stages.timestep.data[0]).toBe(expected('timestep')[0]);
      for (const stage of ['latents_in', 'unet_in', 'vae_in'] as const) {
        const error = relativeError(stages[stage].data, expected(stage));
        expect(error, stage).toBeLessThan(STAGE_BAR);
      }
      expect(shareWithinOne(pixels, expected('pixels'))).toBeGreaterThan(PIXEL_BAR);
    }
  });

  it('is part of the digest', async () => {
    const digestOf = (recipe: Recipe) =>
      importFixture(fixture('tiny', 'repo'), join(folder.path, 'digest'), { recipe });
    const [disback, dmd2] = [
      await digestOf(recipeNamed('disback')),
      await digestOf(recipeNamed('dmd2')),
    ];
    expect(dmd2.files).toEqual(disback.files);
    expect(dmd2.digest).not.toBe(disback.digest);
  });

  it('brings its native size', async () => {
    const out = join(folder.path, 'turbo');
    const recipe = recipeNamed('turbo');
    const { size } = await importFixture(fixture('tiny', 'repo'), out, { recipe });
    expect(size).toEqual({ defaultWidth: 512, defaultHeight: 512, multiple: 8 });
  });
});

describe('the recipe of an import', () => {
  const importWith = (repository: string, more: Parameters<typeof importFixture>[2] = {}) =>
    importFixture(repository, join(folder.path, 'chosen'), { recipe: undefined, ...more });

  it('must be known', async () => {
    await expect(importWith(fixture('tiny', 'repo'))).rejects.toThrow(
      /tiny\/repo is not known to make images in one step\. Recipes are disback, dmd2, turbo, lightning, hyper, hyper-lora, nitrosd-realism, nitrosd-vibrant:/,
    );
    const hub = { repository: { repository: 'stabilityai/stable-diffusion-xl-base-1.0' } };
    await expect(importWith(fixture('tiny', 'repo'), { hub })).rejects.toThrow(
      /^stabilityai\/stable-diffusion-xl-base-1\.0 is not known/,
    );
  });

  it.each([
    ['SYZhang0805/DisBack', 'SDXL_DisBack.bin', 'disback'],
    ['tianweiy/DMD2', 'dmd2_sdxl_1step_unet_fp16.bin', 'dmd2'],
    ['stabilityai/sdxl-turbo', undefined, 'turbo'],
    ['stabilityai/sdxl-turbo', 'sd_xl_turbo_1.0_fp16.safetensors', 'turbo'],
    ['ByteDance/SDXL-Lightning', 'sdxl_lightning_1step_unet_x0.safetensors', 'lightning'],
    ['ByteDance/Hyper-SD', 'Hyper-SDXL-1step-Unet.safetensors', 'hyper'],
    ['ChenDY/NitroFusion', 'nitrosd-vibrant_unet.safetensors', 'nitrosd-vibrant'],
  ])('follows from %s %s', async (repository, file, name) => {
    const place = { repository: { repository, file } };
    const { recipe } = await importWith(fixture('tiny', 'repo'), { hub: place });
    expect(recipe).toEqual(recipeNamed(name));
  });

  it('does not follow from a name alone', async () => {
    const unet = join(copyOfTiny(folder.path), 'SDXL_DisBack.bin');
    const { bytes } = tinyUnet();
    writeFileSync(unet, bytes);
    await expect(importWith(fixture('tiny', 'repo'), { unet })).rejects.toThrow(/not known/);
  });

  it('may be declared by the repository, with sizes and words', async () => {
    const repository = copyOfTiny(folder.path);
    const declare = (value: unknown) =>
      writeFileSync(join(repository, 'onestep.json'), JSON.stringify(value));
    declare({ recipe: 'hyper', sizes: ['128x64'], words: ['boat', 'red'] });
    const manifest = await importWith(repository);
    expect(manifest).toMatchObject({
      recipe: recipeNamed('hyper'),
      size: { defaultWidth: 128, defaultHeight: 64 },
      sizes: ['128x64'],
      words: ['boat', 'red'],
    });
    const { recipe } = await importWith(repository, { recipe: VPRED });
    expect(recipe).toEqual(VPRED);
    declare({ recipe: { scheduler: 'euler', timestep: 999, prediction: 'sample' } });
    expect((await importWith(repository)).recipe).toMatchObject({ name: 'custom' });
    declare({ recipe: recipeNamed('turbo') });
    expect((await importWith(repository)).recipe).toEqual(recipeNamed('turbo'));
    for (const [fault, path] of [
      [{ recipe: 'none' }, 'recipe'],
      [{ recipe: 'hyper', words: ['Boat'] }, 'words.0'],
      [{ recipe: 'hyper', sizes: ['64'] }, 'sizes.0'],
      [{ recipe: 'hyper', sizes: ['64x64', '64x100'] }, 'sizes.1'],
      [{ recipe: { ...VPRED, name: 'turbo' } }, 'recipe.name'],
      [{ recipe: { ...VPRED, eta: 1 } }, 'recipe'],
      [{ recipe: 'hyper', other: 1 }, ''],
    ] as const) {
      declare(fault);
      await expect(importWith(repository)).rejects.toThrow(`onestep.json: "${path}"`);
    }
  });

  it("is not that of a repository's own UNet where another is given", async () => {
    const repository = copyOfTiny(folder.path);
    writeFileSync(join(repository, 'onestep.json'), '{"recipe":"hyper"}');
    const { path: unet } = tinyUnet();
    await expect(importWith(repository, { unet })).rejects.toThrow(/not known/);
    const { recipe } = await importWith(repository, { unet, hasUnet: false });
    expect(recipe).toEqual(recipeNamed('hyper'));
  });
});

describe('a manifest from before recipes', () => {
  it('is read as disback and keeps its digest', async () => {
    const out = join(folder.path, 'former');
    await importFixture(fixture('tiny', 'repo'), out);
    const path = join(out, 'manifest.json');
    const { recipe: _, ...former }: Manifest = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify(former));
    expect(readManifest(out).recipe).toBeUndefined();
    const pipeline = await loadPipeline(out, { device: 'cpu', spin: false });
    await pipeline.close();
  });
});

function tinyUnet(): { path: string; bytes: Uint8Array } {
  const path = fixture('tiny', 'repo', 'unet', 'diffusion_pytorch_model.safetensors');
  return { path, bytes: readFileSync(path) };
}
