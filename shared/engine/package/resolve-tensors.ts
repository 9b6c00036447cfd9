import { FormatError } from '#shared/core/errors.ts';
import { MARKER } from '#shared/engine/checkpoint/markers.ts';
import { quote } from '#shared/engine/checkpoint/quote.ts';
import type { Checkpoint, LazyTensor } from '#shared/engine/checkpoint/tensor.ts';
import type { CheckpointTensor } from '#shared/engine/onnx/stored-tensor.ts';
import type { WeightPart } from './repository.ts';

/** Names that a part's class has and inference does not need. */
const UNNEEDED: Record<WeightPart, RegExp> = {
  text_encoder: /^(text_model\.embeddings\.position_ids|text_projection\.weight|logit_scale)$/,
  text_encoder_2: /^(text_model\.embeddings\.position_ids|logit_scale)$/,
  unet: MARKER,
  vae: /^(encoder|quant_conv)\./,
  draft: /^(encoder|quant_conv)\./,
};

/** A VAE's attention before diffusers renamed its layers. */
const VAE_ATTENTION: readonly (readonly [RegExp, string])[] = [
  [/(mid_block\.attentions\.\d+\.)query\./, '$1to_q.'],
  [/(mid_block\.attentions\.\d+\.)key\./, '$1to_k.'],
  [/(mid_block\.attentions\.\d+\.)value\./, '$1to_v.'],
  [/(mid_block\.attentions\.\d+\.)proj_attn\./, '$1to_out.0.'],
];

/** Spellings of earlier and later versions of the classes, with the names that the graphs ask for. */
const RENAMED: Record<WeightPart, readonly (readonly [RegExp, string])[]> = {
  text_encoder: [[/^(embeddings|encoder|final_layer_norm)\./, 'text_model.$1.']],
  text_encoder_2: [[/^(embeddings|encoder|final_layer_norm)\./, 'text_model.$1.']],
  unet: [],
  vae: VAE_ATTENTION,
  draft: VAE_ATTENTION,
};

/** Element types that can serve as weights. */
const FLOATING: readonly string[] = ['F16', 'BF16', 'F32', 'F64', 'F8_E4M3', 'F8_E5M2'];

/**
 * Finds the tensors that a part's graph asks for in its checkpoint.
 *
 * @param file the checkpoint's path, for messages
 * @throws FormatError naming a tensor that is missing, has another shape, holds no floats, or is
 *   unknown to the part's class
 */
export function resolveTensors(
  part: WeightPart,
  checkpoint: Checkpoint,
  asked: ReadonlyMap<string, CheckpointTensor>,
  file: string,
): ReadonlyMap<string, LazyTensor> {
  const found = new Map<string, LazyTensor>();
  for (const [original, tensor] of checkpoint.tensors) {
    const name = canonicalName(part, original);
    if (asked.has(name)) found.set(name, tensor);
    else if (!UNNEEDED[part].test(name)) {
      throw new FormatError(file, `tensor ${quote(original)} is not part of ${LABEL[part]}`);
    }
  }
  for (const { name, shape } of asked.values()) {
    const tensor = found.get(name);
    if (tensor === undefined) throw new FormatError(file, `tensor ${quote(name)} is missing`);
    if (tensor.shape.join() !== shape.join()) {
      const shapes = `[${tensor.shape.join(', ')}]; its config.json says [${shape.join(', ')}]`;
      throw new FormatError(file, `tensor ${quote(name)} has the shape ${shapes}`);
    }
    if (!FLOATING.includes(tensor.dtype)) {
      throw new FormatError(file, `tensor ${quote(name)} holds ${tensor.dtype}, not floats`);
    }
  }
  return found;
}

const LABEL: Record<WeightPart, string> = {
  text_encoder: 'a CLIPTextModel of this config.json',
  text_encoder_2: 'a CLIPTextModelWithProjection of this config.json',
  unet: 'a UNet2DConditionModel of this config.json',
  vae: 'an autoencoder of this config.json',
  draft: 'an autoencoder of this config.json',
};

function canonicalName(part: WeightPart, name: string): string {
  return RENAMED[part].reduce((text, [pattern, to]) => text.replace(pattern, to), name);
}
