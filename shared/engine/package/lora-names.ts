import { originalUnetModules } from '#shared/engine/checkpoint/original-unet-modules.ts';
import type { Part } from './repository.ts';

/** Parts that an adapter can change. */
export const LORA_PARTS = ['text_encoder', 'text_encoder_2', 'unet'] as const satisfies Part[];
export type LoraPart = (typeof LORA_PARTS)[number];

/** How kohya's trainer names the parts. */
const KOHYA: Readonly<Record<LoraPart, string>> = {
  text_encoder: 'lora_te1_',
  text_encoder_2: 'lora_te2_',
  unet: 'lora_unet_',
};

/** One tensor of an adapter. */
export interface LoraName {
  /** The module as the file spells it, for messages. */
  readonly module: string;
  readonly role: 'up' | 'down' | 'alpha';
}

/** Spellings of the two factors and of alpha: kohya's, diffusers' new and old, PEFT's. */
const ROLES: readonly (readonly [RegExp, LoraName['role']])[] = [
  [/\.lora_down\.weight$/, 'down'],
  [/\.lora_up\.weight$/, 'up'],
  [/\.(?:lora|lora_linear_layer|lora_conv)\.down\.weight$/, 'down'],
  [/\.(?:lora|lora_linear_layer|lora_conv)\.up\.weight$/, 'up'],
  [/_lora\.down\.weight$/, 'down'],
  [/_lora\.up\.weight$/, 'up'],
  [/\.lora_A(?:\.\w+)?\.weight$/, 'down'],
  [/\.lora_B(?:\.\w+)?\.weight$/, 'up'],
  [/(?:\.lora|\.lora_linear_layer)?\.alpha$/, 'alpha'],
];

/** Splits a tensor's name; undefined for one that no low-rank adapter has. */
export function readLoraName(name: string): LoraName | undefined {
  for (const [end, role] of ROLES) {
    if (end.test(name)) return { module: name.replace(end, ''), role };
  }
  return undefined;
}

/** A module of a part, by the names of diffusers and transformers. */
export interface LoraTarget {
  readonly part: LoraPart;
  readonly module: string;
}

/**
 * Finds modules by every spelling of adapters.
 *
 * @param modulesOf a part's modules that have a weight
 */
export function loraTargets(
  modulesOf: (part: LoraPart) => readonly string[],
): (module: string) => LoraTarget | undefined {
  const targets = new Map<string, LoraTarget>();
  for (const part of LORA_PARTS) {
    const modules = modulesOf(part);
    const original = part === 'unet' ? originalUnetModules(modules) : undefined;
    for (const module of modules) {
      const target = { part, module };
      targets.set(`${part}.${module}`, target);
      targets.set(`${KOHYA[part]}${module.replaceAll('.', '_')}`, target);
      // PEFT's own files name no part: what is trained alone is the UNet.
      if (part === 'unet') targets.set(module, target);
      // diffusers' first adapters of the text encoders named attention as the UNet does.
      else targets.set(`${part}.${module.replace(/\.(q|k|v|out)_proj$/, '.to_$1')}`, target);
      const name = original?.(module);
      if (name === undefined) continue;
      targets.set(`${KOHYA.unet}${name.replaceAll('.', '_')}`, target);
      targets.set(`diffusion_model.${name}`, target);
    }
  }
  return (module) => {
    const bare = module.replace(/^base_model\.model\./, '');
    return targets.get(bare) ?? targets.get(withoutProcessor(bare));
  };
}

/** diffusers' old attention processors kept the adapter beside the layer: `attn1.processor.to_q`. */
const withoutProcessor = (module: string): string =>
  module.replace(/\.processor\.(to_[qkv]|to_out)$/, (_, layer) =>
    layer === 'to_out' ? '.to_out.0' : `.${layer}`,
  );
