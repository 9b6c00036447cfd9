import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readUnetConfig } from '#shared/engine/onnx/sdxl/unet-config.ts';
import { fixture } from '#test/helpers/model-fixture.ts';

const sdxl = JSON.parse(readFileSync(fixture('sdxl', 'unet', 'config.json'), 'utf8'));
const read = (change: object) => readUnetConfig({ ...sdxl, ...change }, 'unet/config.json');

describe('readUnetConfig', () => {
  it("spells out the levels of SDXL's UNet", () => {
    const { down, mid, up, contextChannels, timeChannels } = read({});
    expect(down).toEqual([
      { channels: 320, resnets: 2, heads: 0, transformerLayers: [] },
      { channels: 640, resnets: 2, heads: 10, transformerLayers: [2, 2] },
      { channels: 1280, resnets: 2, heads: 20, transformerLayers: [10, 10] },
    ]);
    expect(mid).toEqual({ channels: 1280, resnets: 2, heads: 20, transformerLayers: [10] });
    expect(up.map(({ resnets, transformerLayers }) => [resnets, transformerLayers])).toEqual([
      [3, [10, 10, 10]],
      [3, [2, 2, 2]],
      [3, []],
    ]);
    expect([contextChannels, timeChannels]).toEqual([2048, 1280]);
  });

  it('reads single numbers as one per level, and its class defaults for what is absent', () => {
    const config = readUnetConfig(
      {
        addition_embed_type: 'text_time',
        addition_time_embed_dim: 256,
        projection_class_embeddings_input_dim: 2816,
      },
      'x',
    );
    expect(config.down.map(({ channels, resnets, heads }) => [channels, resnets, heads])).toEqual([
      [320, 2, 8],
      [640, 2, 8],
      [1280, 2, 8],
      [1280, 2, 0],
    ]);
    expect(config).toMatchObject({ act_fn: 'silu', norm_eps: 1e-5, use_linear_projection: false });
  });

  it.each([
    ['addition_embed_type', null],
    ['addition_embed_type', 'image'],
    ['mid_block_type', 'UNetMidBlock2D'],
    ['down_block_types', ['AttnDownBlock2D', 'DownBlock2D', 'DownBlock2D']],
    ['only_cross_attention', true],
    ['dual_cross_attention', true],
    ['class_embed_type', 'timestep'],
    ['num_attention_heads', 8],
    ['encoder_hid_dim', 4096],
    ['time_embedding_type', 'fourier'],
    ['time_cond_proj_dim', 256],
    ['attention_type', 'gated'],
    ['act_fn', 'tanh'],
    ['layers_per_block', [2, 2]],
    ['attention_head_dim', 7],
    ['norm_num_groups', 33],
    ['cross_attention_dim', [2048, 1024, 2048]],
    ['transformer_layers_per_block', [1, [2, 2, 2], 10]],
    ['sample_size', [128, 64]],
    ['block_out_channels', []],
  ])('refuses %s: %j by name', (field, value) => {
    expect(() => read({ [field]: value })).toThrow(/^unet\/config.json: /);
    expect(() => read({ [field]: value })).toThrow(`"${field}`.slice(0, 20));
  });

  it('refuses what is not an object', () => {
    expect(() => readUnetConfig([], 'x')).toThrow(/JSON object/);
    expect(() => readUnetConfig(null, 'x')).toThrow(/JSON object/);
  });
});
