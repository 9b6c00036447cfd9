import { convolutionMaxima } from '#shared/engine/onnx/sdxl/convolution-maxima.ts';
import type { OutputExponents } from '#shared/engine/onnx/sdxl/int8-convolutions.ts';
import type { VaeConfig } from '#shared/engine/onnx/sdxl/vae-config.ts';
import { maximaOfSamples, type SampleRun } from './decode-samples.ts';
import { GREATEST_EXPONENT, LEAST_EXPONENT } from './exponent-letters.ts';

/** Steps of a byte on either side of its zero. */
const STEPS = 127;
/** Real pictures may have values this many times as large as those of the samples. */
const HEADROOM = 1.5;

/**
 * Chooses what the outputs of a decoder's wide convolutions are rounded to, channel by channel, by
 * decoding a few small latents.
 *
 * @throws FormatError when the weights give values that are not finite
 */
export async function convolutionExponents(
  config: VaeConfig,
  run: SampleRun,
): Promise<OutputExponents> {
  const measured = convolutionMaxima(config);
  if (measured === undefined) return new Map();
  const { graph, layers } = measured;
  const [first = new Float32Array(), ...others] = await maximaOfSamples(graph, run);
  const seen = first.map((value, i) => Math.max(value, ...others.map((values) => values[i] ?? 0)));
  const exponents = new Map<string, readonly number[]>();
  let start = 0;
  for (const { name, channels } of layers) {
    exponents.set(name, [...seen.subarray(start, start + channels)].map(exponentOf));
    start += channels;
  }
  return exponents;
}

/** Of the least power of two whose steps reach far enough. */
function exponentOf(seen: number): number {
  const exponent = Math.ceil(Math.log2((seen * HEADROOM) / STEPS));
  return Math.min(GREATEST_EXPONENT, Math.max(LEAST_EXPONENT, exponent));
}
