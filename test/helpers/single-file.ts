import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rawTensors } from './model-fixture.ts';
import type { RawTensor } from './write-safetensors.ts';

type Tensors = Record<string, RawTensor>;

const RESNET: readonly (readonly [string, string])[] = [
  ['.norm1.', '.in_layers.0.'],
  ['.conv1.', '.in_layers.2.'],
  ['.time_emb_proj.', '.emb_layers.1.'],
  ['.norm2.', '.out_layers.0.'],
  ['.conv2.', '.out_layers.3.'],
  ['.conv_shortcut.', '.skip_connection.'],
];

/** The original name of a UNet tensor, by counting blocks from the configuration. */
export function originalUnetName(
  name: string,
  config: { readonly layers_per_block: number; readonly up_block_types: readonly string[] },
): string {
  const perLevel = config.layers_per_block + 1;
  const [kind, level, group, index, ...rest] = name.split('.');
  const tail = rest.join('.');
  const block = Number(level) * perLevel + Number(index);
  const inResnet = (path: string) =>
    RESNET.reduce((text, [from, to]) => text.replace(from, to), `${path}.${tail}`);
  if (kind === 'down_blocks') {
    if (group === 'downsamplers') {
      return `input_blocks.${(Number(level) + 1) * perLevel}.0.op.${rest.at(-1)}`;
    }
    return group === 'resnets'
      ? inResnet(`input_blocks.${block + 1}.0`)
      : `input_blocks.${block + 1}.1.${tail}`;
  }
  if (kind === 'up_blocks') {
    if (group === 'upsamplers') {
      const place = config.up_block_types[Number(level)] === 'UpBlock2D' ? 1 : 2;
      return `output_blocks.${Number(level) * perLevel + perLevel - 1}.${place}.conv.${rest.at(-1)}`;
    }
    return group === 'resnets'
      ? inResnet(`output_blocks.${block}.0`)
      : `output_blocks.${block}.1.${tail}`;
  }
  if (kind === 'mid_block') {
    // mid_block.resnets.0, attentions.0, resnets.1
    const inner = [index, ...rest].join('.');
    return level === 'attentions'
      ? `middle_block.1.${inner}`
      : RESNET.reduce(
          (text, [from, to]) => text.replace(from, to),
          `middle_block.${group === '0' ? 0 : 2}.${inner}`,
        );
  }
  return name
    .replace('time_embedding.linear_1', 'time_embed.0')
    .replace('time_embedding.linear_2', 'time_embed.2')
    .replace('add_embedding.linear_1', 'label_emb.0.0')
    .replace('add_embedding.linear_2', 'label_emb.0.2')
    .replace('conv_in', 'input_blocks.0.0')
    .replace('conv_norm_out', 'out.0')
    .replace('conv_out', 'out.2');
}

function originalVae(tensors: Tensors, levels: number): Tensors {
  const entries = Object.entries(tensors).map(([name, tensor]): [string, RawTensor] => {
    const original = name
      .replace(/up_blocks\.(\d)\.resnets/, (_, level) => `up.${levels - 1 - Number(level)}.block`)
      .replace(
        /up_blocks\.(\d)\.upsamplers\.0/,
        (_, level) => `up.${levels - 1 - Number(level)}.upsample`,
      )
      .replace(/down_blocks\.(\d)\.resnets/, 'down.$1.block')
      .replace(/down_blocks\.(\d)\.downsamplers\.0/, 'down.$1.downsample')
      .replace('mid_block.resnets.0', 'mid.block_1')
      .replace('mid_block.resnets.1', 'mid.block_2')
      .replace('mid_block.attentions.0.group_norm', 'mid.attn_1.norm')
      .replace('mid_block.attentions.0.to_out.0', 'mid.attn_1.proj_out')
      .replace(/mid_block\.attentions\.0\.to_([qkv])/, 'mid.attn_1.$1')
      .replace('conv_shortcut', 'nin_shortcut')
      .replace('conv_norm_out', 'norm_out');
    const isLinear = /attn_1\.(q|k|v|proj_out)\.weight/.test(original);
    return [original, isLinear ? { ...tensor, shape: [...tensor.shape, 1, 1] } : tensor];
  });
  return Object.fromEntries(entries);
}

/** open_clip's layout: fused input projections, and the text projection from the other side. */
function originalOpenClip(tensors: Tensors): Tensors {
  const original: Tensors = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const fused = /^(.*)self_attn\.([qkv])_proj\.(weight|bias)$/.exec(name);
    if (fused?.[2] === 'q') {
      const [, layer, , kind] = fused;
      const parts = ['q', 'k', 'v'].map(
        (part) => tensors[`${layer}self_attn.${part}_proj.${kind}`],
      );
      original[openClipName(`${layer}attn.in_proj_${kind}`)] = {
        dtype: tensor.dtype,
        shape: [(tensor.shape[0] ?? 0) * 3, ...tensor.shape.slice(1)],
        bytes: Buffer.concat(parts.map((part) => part?.bytes ?? new Uint8Array())),
      };
    } else if (name === 'text_projection.weight') {
      original['text_projection'] = transpose(tensor);
    } else if (fused === null) original[openClipName(name)] = tensor;
  }
  return original;
}

function openClipName(name: string): string {
  return name
    .replace('text_model.embeddings.position_embedding.weight', 'positional_embedding')
    .replace('text_model.embeddings.token_embedding', 'token_embedding')
    .replace('text_model.final_layer_norm', 'ln_final')
    .replace('text_model.encoder.layers', 'transformer.resblocks')
    .replace('layer_norm1', 'ln_1')
    .replace('layer_norm2', 'ln_2')
    .replace('mlp.fc1', 'mlp.c_fc')
    .replace('mlp.fc2', 'mlp.c_proj')
    .replace('self_attn.out_proj', 'attn.out_proj');
}

function transpose({ dtype, shape, bytes }: RawTensor): RawTensor {
  const [rows = 0, columns = 0] = shape;
  const size = bytes.length / (rows * columns);
  const turned = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (row * columns + column) * size;
      turned.set(bytes.subarray(from, from + size), (column * rows + row) * size);
    }
  }
  return { dtype, shape: [columns, rows], bytes: turned };
}

/** All tensors of a diffusers repository as one file of the original code has them. */
export function singleFileOf(repository: string): Tensors {
  const config = (part: string) =>
    JSON.parse(readFileSync(join(repository, part, 'config.json'), 'utf8'));
  const unet = rawTensors(join(repository, 'unet', 'diffusion_pytorch_model.safetensors'));
  const vae = rawTensors(join(repository, 'vae', 'diffusion_pytorch_model.safetensors'));
  const clip = rawTensors(join(repository, 'text_encoder', 'model.safetensors'));
  const openClip = rawTensors(join(repository, 'text_encoder_2', 'model.safetensors'));
  const unetConfig = config('unet');
  const named = Object.entries(unet).map(([name, tensor]): [string, RawTensor] => [
    originalUnetName(name, unetConfig),
    tensor,
  ]);
  return {
    ...prefixed('model.diffusion_model.', Object.fromEntries(named)),
    ...prefixed('first_stage_model.', originalVae(vae, config('vae').block_out_channels.length)),
    ...prefixed('conditioner.embedders.0.transformer.', clip),
    ...prefixed('conditioner.embedders.1.model.', originalOpenClip(openClip)),
  };
}

function prefixed(prefix: string, tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [`${prefix}${name}`, tensor]),
  );
}
