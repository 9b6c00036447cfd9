import { AppError } from '#shared/core/errors.ts';
import type { ModelGraph } from '#shared/engine/onnx/sdxl/graphs.ts';
import type { Int8Choice } from './manifest.ts';

/**
 * Layers that stay float32 must be there: a list made for another model is a mistake.
 *
 * @throws AppError `invalid-request` naming one that is not
 */
export function assertLayers({ kept }: Int8Choice, { scopes }: ModelGraph): void {
  const unknown = kept.find((name) => !scopes.some(({ asked }) => asked.has(`${name}.weight`)));
  if (unknown === undefined) return;
  throw new AppError(
    'invalid-request',
    `The calibration is another model's: this UNet has no layer "${unknown}".`,
  );
}

/** What an import to int8 chose, in words. */
export function int8Text({ kept, psnrDb, side }: Int8Choice): string {
  const layers = `${kept.length} layers of the UNet left in float32`;
  if (psnrDb === undefined) return `${layers}; its likeness to float32 was not measured`;
  return `${layers}; pictures of ${side}×${side} within ${psnrDb} dB of float32's`;
}
