import { AppError } from '#shared/core/errors.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';

/** Longest side in pixels: a larger image would take tens of gigabytes. */
export const MAX_SIDE = 4096;

/**
 * Checks that the model can make this size: both sides must be multiples of the VAE's pixels per latent.
 *
 * @param prefix put before the side's name in messages, such as `--` on a command line
 * @throws AppError `invalid-input` that names the side and the nearest size that works
 */
export function assertPictureSize(
  width: number,
  height: number,
  multiple: Manifest['size']['multiple'],
  prefix = '',
): void {
  for (const [name, side] of [
    ['width', width],
    ['height', height],
  ] as const) {
    if (Number.isSafeInteger(side) && side > 0 && side <= MAX_SIDE && side % multiple === 0) {
      continue;
    }
    const nearest = Math.min(Math.max(Math.round(side / multiple), 1) * multiple, MAX_SIDE);
    const hint = Number.isFinite(nearest) ? `; the nearest that works is ${nearest}` : '';
    throw new AppError(
      'invalid-input',
      `${prefix}${name} ${side} does not work: it must be a multiple of ${multiple} from ${multiple} to ${MAX_SIDE}${hint}.`,
      { details: { param: name } },
    );
  }
}
