import { AppError } from '#shared/core/errors.ts';
import type { ModelGraph } from '#shared/engine/onnx/sdxl/graphs.ts';
import type { Int8Choice } from './manifest.ts';

/**
 * The layers of a choice must be there: a list made for another model is a mistake.
 *
 * @throws AppError `invalid-request` naming one that is not
 */
export function assertLayers(
  { kept, convolutions = {} }: Int8Choice,
  { unet, vae }: Readonly<Record<'unet' | 'vae', ModelGraph>>,
): void {
  const unknown = kept.find((name) => outputsOf(name, unet) === undefined);
  if (unknown !== undefined) throw otherModel(`this UNet has no layer "${unknown}"`);
  for (const [name, { length }] of Object.entries(convolutions)) {
    if (outputsOf(name, vae) === length) continue;
    throw otherModel(`this VAE has no layer "${name}" of ${length} channels`);
  }
}

/** How many values a layer puts out; undefined where there is none of that name. */
const outputsOf = (name: string, { scopes }: ModelGraph): number | undefined =>
  scopes.map(({ asked }) => asked.get(`${name}.weight`)?.shape[0]).find((n) => n !== undefined);

const otherModel = (difference: string): AppError =>
  new AppError('invalid-request', `The calibration is another model's: ${difference}.`);

/** What an import to int8 chose, in words. */
export function int8Text({ kept, psnrDb, side, ...decoder }: Int8Choice): string {
  const layers = `${kept.length} layers of the UNet left in float32, ${decoderText(decoder)}`;
  if (psnrDb === undefined) return `${layers}; its likeness to float32 was not measured`;
  return `${layers}; pictures of ${side}×${side} within ${psnrDb} dB of float32's`;
}

function decoderText({
  convolutions = {},
  decoderPsnrDb,
}: Pick<Int8Choice, 'convolutions' | 'decoderPsnrDb'>): string {
  const { length } = Object.keys(convolutions);
  if (length === 0) return 'its decoder in float32';
  const likeness = decoderPsnrDb === undefined ? '' : ` (within ${decoderPsnrDb} dB)`;
  return `${length} convolutions of its decoder in int8${likeness}`;
}
