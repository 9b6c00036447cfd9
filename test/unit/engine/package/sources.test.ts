import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recipeNamed } from '#shared/engine/package/recipes.ts';
import {
  copyOfTiny,
  fixture,
  importFixture,
  rawTensors,
  temporaryFolder,
} from '#test/helpers/model-fixture.ts';
import { singleFileOf } from '#test/helpers/single-file.ts';
import { type RawTensor, writeSafetensors } from '#test/helpers/write-safetensors.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

const TINY = fixture('tiny', 'repo');
const WHOLE = singleFileOf(TINY);
const UNET = rawTensors(join(TINY, 'unet', 'diffusion_pytorch_model.safetensors'));
const NOTHING: RawTensor = { dtype: 'F32', shape: [0], bytes: new Uint8Array() };
const ONE: RawTensor = { dtype: 'F32', shape: [], bytes: new Uint8Array(4) };

let digest = '';
beforeAll(async () => {
  digest = (await importFixture(TINY, join(folder.path, 'tiny'))).digest;
});

let files = 0;

function file(tensors: Record<string, RawTensor>, metadata?: Record<string, string>): string {
  files += 1;
  const path = join(folder.path, `file-${files}.safetensors`);
  writeSafetensors(path, tensors, metadata);
  return path;
}

const importFile = (option: 'unet' | 'checkpoint', path: string, more = {}) =>
  importFixture(TINY, join(folder.path, 'out'), { [option]: path, ...more });

const renamed = (tensors: Record<string, RawTensor>, nameOf: (name: string) => string) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [nameOf(name), tensor]));

describe('a checkpoint of all parts', () => {
  it.each([
    ['as it is', (name: string) => name],
    ['wrapped by DataParallel', (name: string) => `module.${name}`],
    ['compiled', (name: string) => name.replace('diffusion_model.', 'diffusion_model._orig_mod.')],
    ['compiled as a whole', (name: string) => `_orig_mod.${name}`],
    ['of a training module', (name: string) => `model.${name}`],
  ])('gives the package of the repository: %s', async (_, nameOf) => {
    const manifest = await importFile('checkpoint', file(renamed(WHOLE, nameOf)));
    expect(manifest.digest).toBe(digest);
  });

  it('says which part came from which file', async () => {
    const without = Object.fromEntries(
      Object.entries(WHOLE).filter(([name]) => !name.startsWith('first_stage_model.')),
    );
    const path = file(without);
    const manifest = await importFile('checkpoint', path);
    expect(manifest.digest).toBe(digest);
    expect(manifest.source.parts).toEqual({
      text_encoder: path,
      text_encoder_2: path,
      unet: path,
      vae: join(TINY, 'vae', 'diffusion_pytorch_model.safetensors'),
    });
  });

  it.each([
    ['a LoRA', rawTensors(fixture('extras', 'lora-kohya.safetensors')), /is a LoRA.*--lora/],
    ['a UNet of diffusers', UNET, /is a UNet under diffusers' names: give it to --unet/],
    ['Stable Diffusion 1', { 'cond_stage_model.x': ONE }, /Stable Diffusion 1 or 2, not SDXL/],
    ['a VAE', { 'first_stage_model.decoder.conv_in.weight': ONE }, /has no UNet/],
  ])('is not %s', async (_, tensors, message) => {
    await expect(importFile('checkpoint', file(tensors))).rejects.toThrow(message);
  });
});

describe('a UNet', () => {
  it.each([
    ['DataParallel', 'module.'],
    ['compile', '_orig_mod.'],
    ['both', 'module._orig_mod.'],
    ['a training module', 'model.'],
  ])('may be wrapped by %s', async (_, prefix) => {
    const path = file(renamed(UNET, (name) => `${prefix}${name}`));
    expect((await importFile('unet', path)).digest).toBe(digest);
  });

  it('is not a LoRA, and none of another model', async () => {
    const unet = fixture('extras', 'lora-peft.safetensors');
    for (const recipe of [recipeNamed('disback'), undefined]) {
      const importing = importFile('unet', unet, { recipe });
      await expect(importing).rejects.toThrow(/is a LoRA, not a UNet.*--lora/);
    }
    const old = Object.entries(UNET).filter(([name]) => !name.startsWith('add_embedding.'));
    const path = file(Object.fromEntries(old));
    await expect(importFile('unet', path)).rejects.toThrow(/Stable Diffusion 1 or 2, not SDXL/);
  });

  const V = {
    name: 'custom',
    scheduler: 'lcm',
    timestep: 399,
    prediction: 'v_prediction',
  } as const;

  it.each([
    ['v_pred', NOTHING, /says "v_pred": its UNet predicts v/],
    ['ztsnr', NOTHING, /says "ztsnr": .* zero terminal SNR/],
    ['edm_mean', ONE, /says "edm_mean": .* EDM/],
    ['edm_vpred.sigma_max', ONE, /says "edm_vpred\.sigma_max": .* EDM/],
  ])('with the marker %s needs a recipe for it', async (name, tensor, message) => {
    for (const [option, path] of [
      ['unet', file({ ...UNET, [name]: tensor })],
      ['checkpoint', file({ ...WHOLE, [name]: tensor })],
      ['checkpoint', file({ ...WHOLE, [`model.diffusion_model.${name}`]: tensor })],
    ] as const) {
      await expect(importFile(option, path)).rejects.toThrow(message);
      if (name !== 'v_pred') continue;
      const { recipe } = await importFile(option, path, { recipe: V });
      expect(recipe).toEqual(V);
    }
  });

  it.each(['v', 'v_prediction', 'edm'])('may say %s in its metadata', async (type) => {
    const path = file(UNET, { 'modelspec.prediction_type': type });
    await expect(importFile('unet', path)).rejects.toThrow(
      `says "modelspec.prediction_type: ${type}"`,
    );
    const plain = file(UNET, { 'modelspec.prediction_type': 'epsilon' });
    const hyper = recipeNamed('hyper');
    expect((await importFile('unet', plain, { recipe: hyper })).recipe).toEqual(hyper);
  });
});

describe('a folder', () => {
  it('may be missing, or a file', async () => {
    const out = join(folder.path, 'out');
    const weights = join(TINY, 'vae', 'diffusion_pytorch_model.safetensors');
    await expect(importFixture(TINY, out, { vae: weights })).rejects.toThrow(
      `${weights}: is a file, not a folder.`,
    );
    await expect(importFixture(TINY, out, { vae: `${weights}s` })).rejects.toThrow(
      /there is no such folder/,
    );
  });
});

describe("a repository's listed files", () => {
  it('are all that there is, whatever else its folder holds', async () => {
    const repository = copyOfTiny(folder.path);
    const out = join(folder.path, 'listed');
    const files = ['unet/diffusion_pytorch_model.safetensors', 'vae/config.json'];
    await expect(importFixture(repository, out, { files })).rejects.toThrow(/has no weights/);
  });
});
