import type { LazyTensor } from './tensor.ts';
import { renamed, reshaped } from './views.ts';

const ATTENTION_LAYERS: Readonly<Record<string, string>> = {
  norm: 'group_norm',
  q: 'to_q',
  k: 'to_k',
  v: 'to_v',
  proj_out: 'to_out.0',
};

/**
 * A tensor name of the original VAE in diffusers' spelling. The original numbers the decoder's levels
 * from the picture, diffusers from the latents. The encoder, which is not needed, keeps its names.
 *
 * @param levels how many levels the decoder has
 */
export function ldmVaeName(name: string, levels: number): string {
  const decoder = 'decoder.';
  if (!name.startsWith(decoder)) return name;
  const inner = name
    .slice(decoder.length)
    .replace(/^norm_out\./, 'conv_norm_out.')
    .replace(/^up\.(\d+)\.block\.(\d+)\./, (_, level, block) => {
      return `up_blocks.${levels - 1 - Number(level)}.resnets.${block}.`;
    })
    .replace(/^up\.(\d+)\.upsample\./, (_, level) => {
      return `up_blocks.${levels - 1 - Number(level)}.upsamplers.0.`;
    })
    .replace(/^mid\.block_(\d+)\./, (_, block) => `mid_block.resnets.${Number(block) - 1}.`)
    .replace(/^mid\.attn_1\.(norm|q|k|v|proj_out)\./, (_, layer) => {
      return `mid_block.attentions.0.${ATTENTION_LAYERS[layer]}.`;
    })
    .replace(/\.nin_shortcut\./, '.conv_shortcut.');
  return `${decoder}${inner}`;
}

/** The tensor under its new name. The attention's 1×1 convolutions are linear layers in diffusers. */
export function vaeTensor(tensor: LazyTensor, name: string): LazyTensor {
  const [rows, columns, ...kernel] = tensor.shape;
  const isPointwise = kernel.length === 2 && kernel.every((size) => size === 1);
  const isLinear = isPointwise && /\.attentions\.0\.to_(q|k|v|out\.0)\.weight$/.test(name);
  const shaped = isLinear ? reshaped(tensor, [rows ?? 0, columns ?? 0]) : tensor;
  return renamed(shaped, name);
}
