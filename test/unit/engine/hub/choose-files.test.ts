import { describe, expect, it } from 'vitest';
import { chooseFiles, type WeightPart } from '#shared/engine/hub/choose-files.ts';
import type { HubRepository } from '#shared/engine/hub/hub-repository.ts';

/** What stable-diffusion-xl-base-1.0 holds, in short. */
const SDXL = [
  '.gitattributes',
  '01.png',
  'LICENSE.md',
  'README.md',
  'model_index.json',
  'sd_xl_base_1.0.safetensors',
  'sd_xl_base_1.0_0.9vae.safetensors',
  'scheduler/scheduler_config.json',
  'text_encoder/config.json',
  'text_encoder/flax_model.msgpack',
  'text_encoder/model.fp16.safetensors',
  'text_encoder/model.onnx',
  'text_encoder/model.safetensors',
  'text_encoder_2/config.json',
  'text_encoder_2/model.fp16.safetensors',
  'text_encoder_2/model.safetensors',
  'tokenizer/merges.txt',
  'tokenizer/special_tokens_map.json',
  'tokenizer/tokenizer_config.json',
  'tokenizer/vocab.json',
  'tokenizer_2/merges.txt',
  'tokenizer_2/vocab.json',
  'unet/config.json',
  'unet/diffusion_pytorch_model.fp16.safetensors',
  'unet/diffusion_pytorch_model.safetensors',
  'unet/model.onnx_data',
  'vae/config.json',
  'vae/diffusion_pytorch_model.fp16.safetensors',
  'vae/diffusion_pytorch_model.safetensors',
  'vae_1_0/diffusion_pytorch_model.safetensors',
  'vae_decoder/model.onnx',
];
const ALL: readonly WeightPart[] = ['text_encoder', 'text_encoder_2', 'unet', 'vae'];

function repositoryOf(paths: readonly string[]): HubRepository {
  const checksum = { kind: 'git-sha1', hex: '0'.repeat(40) } as const;
  const files = paths.map((path) => ({ path, sizeBytes: 1, checksum }));
  return { name: 'owner/name', commit: 'c0ffee', licence: undefined, files };
}

function weights(paths: readonly string[], dtype: 'fp32' | 'fp16', parts = ALL): string[] {
  return chooseFiles(repositoryOf(paths), { weights: parts, dtype })
    .map(({ path }) => path)
    .filter((path) => /safetensors/.test(path));
}

describe('chooseFiles', () => {
  it('takes what describes a model and no other kind of weights', () => {
    const chosen = chooseFiles(repositoryOf(SDXL), { weights: [], dtype: 'fp32' });
    const described = SDXL.filter((path) =>
      /config\.json|merges|vocab|map\.json|index\.json/.test(path),
    );
    expect(chosen.map(({ path }) => path).toSorted()).toEqual(
      [...described, 'LICENSE.md', 'README.md'].toSorted(),
    );
  });

  it('takes a tokenizer that is one tokenizer.json', () => {
    const path = 'tokenizer_2/tokenizer.json';
    const chosen = chooseFiles(repositoryOf([path]), { weights: [], dtype: 'fp32' });
    expect(chosen).toMatchObject([{ path }]);
  });

  it('takes one precision per part', () => {
    expect(weights(SDXL, 'fp16')).toEqual([
      'text_encoder/model.fp16.safetensors',
      'text_encoder_2/model.fp16.safetensors',
      'unet/diffusion_pytorch_model.fp16.safetensors',
      'vae/diffusion_pytorch_model.fp16.safetensors',
    ]);
    expect(weights(SDXL, 'fp32', ['vae', 'text_encoder'])).toEqual([
      'vae/diffusion_pytorch_model.safetensors',
      'text_encoder/model.safetensors',
    ]);
  });

  it('takes the other precision where there is one only', () => {
    expect(weights(['vae/diffusion_pytorch_model.safetensors'], 'fp16', ['vae'])).toHaveLength(1);
    expect(
      weights(['unet/diffusion_pytorch_model.fp16.safetensors'], 'fp32', ['unet']),
    ).toHaveLength(1);
  });

  it.each([
    [
      'fp32',
      'diffusion_pytorch_model.safetensors.index.json',
      'diffusion_pytorch_model-0000%-of-00002.safetensors',
    ],
    [
      'fp16',
      'diffusion_pytorch_model.safetensors.index.fp16.json',
      'diffusion_pytorch_model.fp16-0000%-of-00002.safetensors',
    ],
    ['fp16', 'model.fp16.safetensors.index.json', 'model-0000%-of-00002.fp16.safetensors'],
  ] as const)('takes an index (%s) with all its files', (dtype, index, shard) => {
    const files = [index, shard.replace('%', '1'), shard.replace('%', '2')];
    const paths = files.map((name) => `unet/${name}`);
    expect(weights([...paths, 'unet/other.safetensors'], dtype, ['unet']).toSorted()).toEqual(
      paths.toSorted(),
    );
  });

  it('names a part without weights', () => {
    const take = () => weights(['vae/config.json'], 'fp32', ['vae']);
    expect(take).toThrow(/owner\/name has no vae weights/);
  });
});
