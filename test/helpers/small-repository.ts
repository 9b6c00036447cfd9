import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeRandomRepository } from '#functions/cli/bench/random-repository.ts';
import type { Part } from '#shared/engine/package/repository.ts';
import { fixture } from './model-fixture.ts';

/** The fewest blocks that a UNet has: ONNX Runtime opens it ten times sooner than the tiny model's. */
const SMALL_UNET = {
  sample_size: 16,
  block_out_channels: [16, 32],
  attention_head_dim: [1, 2],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
  layers_per_block: 1,
  transformer_layers_per_block: [1, 1],
};

/**
 * Writes a repository of random weights that has the tiny model's text encoders and a smaller UNet: for
 * tests that compare its pictures with its own.
 *
 * @param vae what its VAE's configuration has instead of the tiny model's
 */
export async function writeSmallRepository(folder: string, vae: object = {}): Promise<void> {
  const tiny = fixture('tiny', 'repo');
  const config = (part: Part): object =>
    JSON.parse(readFileSync(join(tiny, part, 'config.json'), 'utf8'));
  await writeRandomRepository(folder, tiny, {
    text_encoder: config('text_encoder'),
    text_encoder_2: config('text_encoder_2'),
    unet: { ...config('unet'), ...SMALL_UNET },
    vae: { ...config('vae'), ...vae },
  });
}
