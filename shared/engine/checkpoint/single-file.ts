import { openClipTensors } from './single-file-text.ts';
import { ldmUnetNames } from './single-file-unet.ts';
import { ldmVaeName, vaeTensor } from './single-file-vae.ts';
import type { Checkpoint, LazyTensor } from './tensor.ts';
import { renamed } from './views.ts';

/** The parts of SDXL, by the folders of a diffusers repository. */
export type SinglePart = 'text_encoder' | 'text_encoder_2' | 'unet' | 'vae';

/** How the original code and its descendants name the parts in one file. */
const PREFIXES: Readonly<Record<SinglePart, string>> = {
  text_encoder: 'conditioner.embedders.0.transformer.',
  text_encoder_2: 'conditioner.embedders.1.model.',
  unet: 'model.diffusion_model.',
  vae: 'first_stage_model.',
};

/** A file with the UNet alone may leave out some or all of the prefix. */
const BARE_UNET = ['diffusion_model.', ''];

/** A tensor by which each part is recognised, under its original name. */
const SIGNS: Readonly<Record<SinglePart, string>> = {
  text_encoder: 'text_model.final_layer_norm.weight',
  text_encoder_2: 'ln_final.weight',
  unet: 'input_blocks.0.0.weight',
  vae: 'decoder.conv_in.weight',
};

/**
 * One part of an SDXL checkpoint in the original layout (all parts in one file, or the UNet alone),
 * under the names of diffusers and transformers; undefined if the checkpoint has another layout or
 * lacks the part. Closing this view does nothing.
 */
export function singleFilePart(checkpoint: Checkpoint, part: SinglePart): Checkpoint | undefined {
  const prefix = [PREFIXES[part], ...(part === 'unet' ? BARE_UNET : [])].find((candidate) =>
    checkpoint.tensors.has(`${candidate}${SIGNS[part]}`),
  );
  if (prefix === undefined) return undefined;
  const own = new Map<string, LazyTensor>();
  for (const [name, tensor] of checkpoint.tensors) {
    if (name.startsWith(prefix)) own.set(name.slice(prefix.length), tensor);
  }
  const tensors = new Map<string, LazyTensor>();
  for (const tensor of convertPart(part, own)) tensors.set(tensor.name, tensor);
  return { tensors, metadata: checkpoint.metadata, close: () => undefined };
}

function convertPart(part: SinglePart, own: ReadonlyMap<string, LazyTensor>): LazyTensor[] {
  const entries = [...own];
  switch (part) {
    case 'unet': {
      const nameOf = ldmUnetNames(own);
      return entries.map(([name, tensor]) => renamed(tensor, nameOf(name)));
    }
    case 'vae': {
      const levels = levelsOf(own);
      return entries.map(([name, tensor]) => vaeTensor(tensor, ldmVaeName(name, levels)));
    }
    case 'text_encoder':
      return entries.map(([name, tensor]) => renamed(tensor, name));
    case 'text_encoder_2':
      return entries.flatMap(([name, tensor]) => openClipTensors(tensor, name));
  }
}

/** How many levels the VAE's decoder has. */
function levelsOf(own: ReadonlyMap<string, LazyTensor>): number {
  const levels = [...own.keys()].map((name) => /^decoder\.up\.(\d+)\./.exec(name)?.[1]);
  return Math.max(0, ...levels.map((level) => (level === undefined ? 0 : Number(level) + 1)));
}
