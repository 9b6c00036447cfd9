import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { originalUnetModules } from '#shared/engine/checkpoint/original-unet-modules.ts';
import { recipeNamed } from '#shared/engine/package/recipes.ts';
import { loadPipeline } from '#shared/engine/pipeline/pipeline.ts';
import {
  fixture,
  importFixture,
  rawTensors,
  temporaryFolder,
} from '#test/helpers/model-fixture.ts';
import { readSafetensors } from '#test/helpers/read-safetensors.ts';
import { peakSignalToNoise, relativeError, shareWithinOne } from '#test/helpers/run-stages.ts';
import { originalUnetName } from '#test/helpers/single-file.ts';
import { type RawTensor, writeSafetensors } from '#test/helpers/write-safetensors.ts';

const STAGE_BAR = 1e-4;
const PIXEL_BAR = 0.999;
const FP16_BAR_DB = 45;
const SCALE = 0.7;

const folder = temporaryFolder();
afterAll(folder.remove);

const TINY = fixture('tiny', 'repo');
const lora = (name: string) => fixture('extras', `${name}.safetensors`);
let files = 0;
const out = () => join(folder.path, `out-${files++}`);

async function draw(path: string, record: string) {
  const { metadata, tensors } = readSafetensors(lora(record));
  const pipeline = await loadPipeline(path, { device: 'cpu', spin: false });
  const { prompt = '', seed, width, height } = metadata;
  const size = { width: Number(width), height: Number(height) };
  const request = { prompt, seed: Number(seed), ...size, numOutputs: 1 };
  try {
    for await (const { stages, pixels } of pipeline.generate(request)) {
      const expected = (name: string) => tensors[name]?.values ?? [];
      return {
        error: relativeError(stages.vae_in.data, expected('vae_in')),
        share: shareWithinOne(pixels, expected('pixels')),
        likeness: peakSignalToNoise(pixels, expected('pixels')),
      };
    }
    throw new Error('no picture');
  } finally {
    await pipeline.close();
  }
}

/** A file with the tensors of an adapter, changed. */
function edited(name: string, edit: (entries: [string, RawTensor][]) => [string, RawTensor][]) {
  const path = join(folder.path, `lora-${files++}.safetensors`);
  writeSafetensors(path, Object.fromEntries(edit(Object.entries(rawTensors(lora(name))))));
  return path;
}

const merge = (file: string, scale = SCALE, more = {}) =>
  importFixture(TINY, out(), { loras: [{ file, scale }], ...more });

describe('a merged LoRA', () => {
  it.each([
    ['lora-kohya', 'lora'],
    ['lora-diffusers', 'lora'],
    ['lora-peft', 'lora'],
    ['lora-kohya-sgm', 'lora-sgm'],
  ])('%s draws what diffusers does', async (name, record) => {
    for (const dtype of ['fp32', 'fp16'] as const) {
      const path = out();
      const loras = [{ file: lora(name), scale: SCALE }];
      const manifest = await importFixture(TINY, path, { dtype, loras });
      expect(manifest.loras).toMatchObject([{ file: lora(name), scale: SCALE }]);
      const { error, share, likeness } = await draw(path, record);
      if (dtype === 'fp16') {
        expect(likeness).toBeGreaterThan(FP16_BAR_DB);
        continue;
      }
      expect(error).toBeLessThan(STAGE_BAR);
      expect(share).toBeGreaterThan(PIXEL_BAR);
    }
  });

  it("has one digest under the names of PEFT's own files", async () => {
    const peft = edited('lora-peft', (entries) =>
      entries.map(([name, tensor]) => [
        `base_model.model.${name.replace(/\.lora_([AB])\./, '.lora_$1.default.')}`,
        tensor,
      ]),
    );
    expect((await merge(peft)).digest).toBe((await merge(lora('lora-peft'))).digest);
  });

  it.each([
    ['of old diffusers', (name: string) => name.replace('.lora.', '.lora_linear_layer.')],
    [
      'of the processors of older diffusers',
      (name: string) =>
        name
          .replace(/\.(attn\d)\.(to_[qkv])\.lora\./, '.$1.processor.$2_lora.')
          .replace(/\.(attn\d)\.to_out\.0\.lora\./, '.$1.processor.to_out_lora.'),
    ],
    ['without the part', (name: string) => name.slice('unet.'.length)],
  ])('has one digest in every spelling: %s', async (_, nameOf) => {
    const file = edited('lora-diffusers', (entries) =>
      entries.map(([name, tensor]) => [nameOf(name), tensor]),
    );
    const { digest } = await merge(lora('lora-diffusers'));
    expect((await merge(file)).digest).toBe(digest);
  });

  it('has one digest with the text encoders of older diffusers', async () => {
    const file = edited('lora-kohya-sgm', (entries) =>
      entries.map(([name, tensor]) => [
        name.replace(
          /^lora_te(\d)_text_model_encoder_layers_(\d+)_self_attn_(\w+)_proj\.(?:lora_)?(\w+)/,
          (_, encoder, layer, projection, role) =>
            `text_encoder${encoder === '1' ? '' : '_2'}.text_model.encoder.layers.${layer}.self_attn.to_${projection}${role === 'alpha' ? '' : '_lora'}.${role}`,
        ),
        tensor,
      ]),
    );
    expect(Object.keys(rawTensors(file)).join()).toContain('self_attn.to_out_lora.up.weight');
    expect((await merge(file)).digest).toBe((await merge(lora('lora-kohya-sgm'))).digest);
  });

  /** PEFT's adapter, of rank 4, with settings in its metadata. */
  function withSettings(settings: object): string {
    const path = join(folder.path, `lora-${files++}.safetensors`);
    const metadata = { lora_adapter_metadata: JSON.stringify(settings) };
    writeSafetensors(path, rawTensors(lora('lora-peft')), metadata);
    return path;
  }

  it.each([
    [{ 'unet.lora_alpha': 8, 'unet.use_dora': false, 'unet.alpha_pattern': {} }, 2],
    [{ lora_alpha: 8 }, 2],
    [{ 'unet.lora_alpha': 8, 'unet.use_rslora': true }, 4],
    [{ 'text_encoder.lora_alpha': 8 }, 1],
    [{}, 1],
  ])("has the strength that PEFT's settings state: %j", async (settings, times) => {
    const { files } = await merge(withSettings(settings));
    expect(files).toEqual((await merge(lora('lora-peft'), SCALE * times)).files);
  });

  it.each([
    ['use_dora', true],
    ['alpha_pattern', { to_q: 4 }],
    ['lora_alpha', 'x'],
  ])('is refused with the setting %s: %j', async (name, value) => {
    const file = withSettings({ [`unet.${name}`]: value });
    await expect(merge(file)).rejects.toThrow(`"${name}": `);
  });

  it('is refused by name with a value that is not finite', async () => {
    const module = 'unet.mid_block.attentions.0.proj_in';
    const file = edited('lora-peft', (entries) =>
      entries.map(([name, tensor]) => {
        if (name !== `${module}.lora_A.weight`) return [name, tensor];
        const bytes = tensor.bytes.slice();
        // NaN in float16.
        bytes.set([0, 0x7e]);
        return [name, { ...tensor, bytes }];
      }),
    );
    await expect(merge(file)).rejects.toThrow(`"${module}" holds NaN or infinity`);
  });

  it('adds up, and does nothing at scale 0', async () => {
    const { files: plain } = await importFixture(TINY, out());
    expect((await merge(lora('lora-kohya'), 0)).files).toEqual(plain);
    const half = { file: lora('lora-kohya'), scale: SCALE / 2 };
    const path = out();
    await importFixture(TINY, path, { loras: [half, half] });
    expect((await draw(path, 'lora')).error).toBeLessThan(STAGE_BAR);
  });

  it.each([
    ['hada_w1_a', /LoHa/],
    ['lokr_w1', /LoKr/],
    ['dora_scale', /DoRA/],
    ['lora_mid.weight', /Tucker/],
    ['other', /is not part of a LoRA/],
  ])('is refused by name with %s', async (end, message) => {
    const module = 'lora_unet_mid_block_attentions_0_proj_in';
    const file = edited('lora-kohya', (entries) => [
      ...entries,
      [`${module}.${end}`, { dtype: 'F32', shape: [], bytes: new Uint8Array(4) }],
    ]);
    await expect(merge(file)).rejects.toThrow(message);
    await expect(merge(file)).rejects.toThrow(`${module}.${end}`);
  });

  it('is refused with an unknown module, half of one, or another shape', async () => {
    const unknown = edited('lora-peft', (entries) =>
      entries.map(([name, tensor]) => [name.replace('mid_block', 'middle'), tensor]),
    );
    await expect(merge(unknown)).rejects.toThrow(/"unet\.middle\.\S+" is not part of this model/);
    const half = edited('lora-peft', (entries) => entries.slice(1));
    await expect(merge(half)).rejects.toThrow(/lacks its down weight/);
    const narrow = edited('lora-peft', ([first, ...others]) => {
      const [name, tensor] = first ?? ['', undefined];
      if (tensor === undefined) return others;
      const [rank = 0, columns = 0, ...rest] = tensor.shape;
      const bytes = tensor.bytes.slice(0, tensor.bytes.length / 2);
      return [[name, { ...tensor, shape: [rank, columns / 2, ...rest], bytes }], ...others];
    });
    await expect(merge(narrow)).rejects.toThrow(/for a weight of/);
  });
});

describe('the recipe of a model with a LoRA', () => {
  const none = { recipe: undefined };

  it('is that of a known LoRA', async () => {
    const hub = { repository: 'ByteDance/Hyper-SD', file: 'Hyper-SDXL-1step-lora.safetensors' };
    const loras = [{ file: lora('lora-kohya'), scale: 1, hub }];
    const { recipe } = await importFixture(TINY, out(), { ...none, loras });
    expect(recipe).toEqual(recipeNamed('hyper-lora'));
  });

  it.each([
    ['tianweiy/DMD2', 'dmd2_sdxl_4step_lora_fp16.safetensors'],
    ['ByteDance/SDXL-Lightning', 'sdxl_lightning_4step_lora.safetensors'],
    ['wangfuyun/PCM_Weights', 'sdxl/pcm_sdxl_smallcfg_4step_converted.safetensors'],
  ])('must be given for %s/%s', async (repository, file) => {
    const loras = [{ file: lora('lora-kohya'), scale: 1, hub: { repository, file } }];
    const hub = { repository: { repository: 'stabilityai/sdxl-turbo' } };
    await expect(importFixture(TINY, out(), { ...none, hub, loras })).rejects.toThrow(
      /is made for several steps\. Recipes are/,
    );
    const recipe = recipeNamed('dmd2');
    expect((await importFixture(TINY, out(), { recipe, loras })).recipe).toEqual(recipe);
  });

  it('must be given where both the LoRA and the model have one', async () => {
    const place = { repository: 'ByteDance/Hyper-SD', file: 'Hyper-SDXL-1step-lora.safetensors' };
    const loras = [{ file: lora('lora-kohya'), scale: 1, hub: place }];
    const hub = { repository: { repository: 'stabilityai/sdxl-turbo' } };
    await expect(importFixture(TINY, out(), { ...none, hub, loras })).rejects.toThrow(
      /^stabilityai\/sdxl-turbo makes images in one step \(turbo\), and so does ByteDance\/Hyper-SD\/\S+ on its own base\. Recipes are/,
    );
    const recipe = recipeNamed('hyper-lora');
    const manifest = await importFixture(TINY, out(), { recipe, hub, loras });
    expect(manifest.recipe).toEqual(recipe);
  });

  it('must be given for a copy of a LoRA for one step, and for several behind one for one', async () => {
    const copy = join(folder.path, 'hyper-sdxl-1step-lora.safetensors');
    copyFileSync(lora('lora-kohya'), copy);
    const hub = { repository: { repository: 'stabilityai/sdxl-turbo' } };
    const importing = importFixture(TINY, out(), {
      ...none,
      hub,
      loras: [{ file: copy, scale: 1 }],
    });
    await expect(importing).rejects.toThrow(/has the name of a LoRA that makes its base one-step/);
    const both = ['Hyper-SDXL-1step-lora.safetensors', 'Hyper-SDXL-8steps-lora.safetensors'];
    const loras = both.map((file) => ({
      file: lora('lora-kohya'),
      scale: 1,
      hub: { repository: 'ByteDance/Hyper-SD', file },
    }));
    await expect(importFixture(TINY, out(), { ...none, loras })).rejects.toThrow(
      /8steps-lora\.safetensors is made for several steps/,
    );
  });

  it("is the one-step model's for a style", async () => {
    const loras = [{ file: lora('lora-kohya'), scale: 1 }];
    const hub = { repository: { repository: 'stabilityai/sdxl-turbo' } };
    const { recipe } = await importFixture(TINY, out(), { ...none, hub, loras });
    expect(recipe).toEqual(recipeNamed('turbo'));
    await expect(importFixture(TINY, out(), { ...none, loras })).rejects.toThrow(/not known/);
  });
});

describe('originalUnetModules', () => {
  it('gives the original name of every module of SDXL’s UNet', () => {
    const keys = JSON.parse(readFileSync(fixture('sdxl', 'keys.json'), 'utf8'));
    const config = JSON.parse(readFileSync(fixture('sdxl', 'unet', 'config.json'), 'utf8'));
    const weights = Object.keys(keys.unet).filter((name) => name.endsWith('.weight'));
    const nameOf = originalUnetModules(weights.map((name) => name.slice(0, -'.weight'.length)));
    for (const name of weights.filter((each) => !/norm/.test(each))) {
      expect(`${nameOf(name.slice(0, -'.weight'.length))}.weight`).toBe(
        originalUnetName(name, config),
      );
    }
  });
});
