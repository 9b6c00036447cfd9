import { FormatError } from '#shared/core/errors.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import { type CheckpointKind, kindOf } from '#shared/engine/checkpoint/kind.ts';
import { markersOf } from '#shared/engine/checkpoint/markers.ts';
import { singleFilePart } from '#shared/engine/checkpoint/single-file.ts';
import type { Checkpoint } from '#shared/engine/checkpoint/tensor.ts';
import { PARTS } from './repository.ts';

const SD1 = 'is of Stable Diffusion 1 or 2, not SDXL';

const NO_CHECKPOINT: Record<CheckpointKind, string> = {
  lora: 'is a LoRA, not a checkpoint with all parts: give it to --lora',
  sd1: SD1,
  'sd1-unet': SD1,
  'diffusers-unet': "is a UNet under diffusers' names: give it to --unet",
  other: 'has no UNet in the original layout, so it is not a checkpoint with all parts',
};

/**
 * Checks that a file given as the checkpoint of all parts brings the UNet, or, where that comes from
 * elsewhere, any part at all.
 *
 * @throws FormatError saying what the file is instead
 */
export function assertCheckpoint(checkpoint: Checkpoint, file: string, needsUnet: boolean): void {
  const kind = kindOf(checkpoint);
  const isWanted = kind === 'other' || kind === 'diffusers-unet';
  const parts = needsUnet ? (['unet'] as const) : PARTS;
  const hasParts = parts.some((part) => singleFilePart(checkpoint, part) !== undefined);
  if (isWanted && hasParts) return;
  throw new FormatError(file, NO_CHECKPOINT[kind]);
}

/** @throws FormatError if a file given as the UNet is a LoRA, or a UNet of another model */
export function assertUnet(checkpoint: Checkpoint, file: string): void {
  const kind = kindOf(checkpoint);
  if (kind === 'lora') throw new FormatError(file, 'is a LoRA, not a UNet: give it to --lora');
  if (kind === 'sd1' || kind === 'sd1-unet') throw new FormatError(file, SD1);
}

/**
 * Checks what a UNet's file says about its prediction against the recipe.
 *
 * @throws FormatError naming the marker that the recipe contradicts
 */
export function assertMarkers(checkpoint: Checkpoint, file: string, recipe: Recipe): void {
  for (const { found, means } of markersOf(checkpoint)) {
    if (means === 'v_prediction' && recipe.prediction === 'v_prediction') continue;
    throw new FormatError(file, `says "${found}": ${MEANINGS[means]}`);
  }
}

const MEANINGS = {
  v_prediction:
    'its UNet predicts v; import it with --scheduler, --timestep and --prediction v_prediction',
  'zero-terminal-snr': 'its betas are rescaled to zero terminal SNR, which no recipe supports',
  edm: 'its UNet is of the EDM family, which no recipe supports',
} as const;
