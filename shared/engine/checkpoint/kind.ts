import type { Checkpoint } from './tensor.ts';

/** Kinds of checkpoints that are mistaken for one another. */
export type CheckpointKind =
  /** A low-rank adapter. */
  | 'lora'
  /** All parts of Stable Diffusion 1 or 2, in the original layout. */
  | 'sd1'
  /** A UNet of Stable Diffusion 1 or 2. */
  | 'sd1-unet'
  /** A UNet of SDXL under diffusers' names. */
  | 'diffusers-unet'
  | 'other';

const LORA = /(?:^lora_|[._](?:lora|hada|lokr|oft|dora)_|\.lora\.|\.(?:dora_scale|diff_b)$)/;

/** What a checkpoint is, by the names of its tensors without wrappers. */
export function kindOf({ tensors }: Checkpoint): CheckpointKind {
  const names = [...tensors.keys()];
  if (names.some((name) => LORA.test(name))) return 'lora';
  if (names.some((name) => name.startsWith('cond_stage_model.'))) return 'sd1';
  const has = (end: string) => names.some((name) => name.endsWith(end));
  if (has('input_blocks.0.0.weight')) return has('label_emb.0.0.weight') ? 'other' : 'sd1-unet';
  if (!tensors.has('conv_in.weight')) return 'other';
  if (!names.some((name) => name.startsWith('down_blocks.'))) return 'other';
  return tensors.has('add_embedding.linear_1.weight') ? 'diffusers-unet' : 'sd1-unet';
}
