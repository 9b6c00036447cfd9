import type { LazyTensor } from './tensor.ts';
import { renamed, split, transposed } from './views.ts';

/** open_clip's names and those of transformers' CLIP. */
const LAYERS: readonly (readonly [RegExp, string])[] = [
  [/^positional_embedding$/, 'text_model.embeddings.position_embedding.weight'],
  [/^token_embedding\./, 'text_model.embeddings.token_embedding.'],
  [/^ln_final\./, 'text_model.final_layer_norm.'],
  [/^transformer\.resblocks\.(\d+)\./, 'text_model.encoder.layers.$1.'],
  [/\.ln_1\./, '.layer_norm1.'],
  [/\.ln_2\./, '.layer_norm2.'],
  [/\.mlp\.c_fc\./, '.mlp.fc1.'],
  [/\.mlp\.c_proj\./, '.mlp.fc2.'],
  [/\.attn\.out_proj\./, '.self_attn.out_proj.'],
];

/**
 * The tensors of transformers' CLIPTextModelWithProjection that one of open_clip contains: open_clip
 * joins query, key and value in one matrix and transposes the projection.
 */
export function openClipTensors(tensor: LazyTensor, name: string): LazyTensor[] {
  const renamedTo = LAYERS.reduce((text, [pattern, to]) => text.replace(pattern, to), name);
  if (name === 'text_projection') return [renamed(transposed(tensor), 'text_projection.weight')];
  const fused = /^(.*)\.attn\.in_proj_(weight|bias)$/.exec(renamedTo);
  if (fused === null) return [renamed(tensor, renamedTo)];
  const [, layer, kind] = fused;
  return ['q_proj', 'k_proj', 'v_proj'].map((projection, index) =>
    renamed(split(tensor, index, 3), `${layer}.self_attn.${projection}.${kind}`),
  );
}
