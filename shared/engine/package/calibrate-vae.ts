import type { Folding } from '#shared/engine/onnx/sdxl/resnet.ts';
import type { VaeConfig } from '#shared/engine/onnx/sdxl/vae-config.ts';
import { vaeMaxima } from '#shared/engine/onnx/sdxl/vae-maxima.ts';
import { maximaOfSamples, type SampleRun } from './decode-samples.ts';

/**
 * The largest divided value that the calibration may see: float16 ends at 2¹⁶, so real pictures may
 * reach sixteen times what was seen. A larger exponent costs nothing: values lose digits only below
 * 2⁻¹⁴, far less than a sum with the large ones retains.
 */
const LARGEST_SEEN = 2 ** 12;
/** Further digits differ between processors. */
const SEEN_DIGITS = 4;

/** How large a VAE's activations were, and what divides them for float16. */
export interface Calibration {
  readonly folding: Folding;
  /** The largest magnitudes seen. */
  readonly seen: Folding;
}

/**
 * Chooses the smallest powers of two that keep a decoder's activations within float16, by decoding a
 * few small latents.
 *
 * @throws FormatError when the weights give values that are not finite
 */
export async function calibrateVae(config: VaeConfig, run: SampleRun): Promise<Calibration> {
  const { graph, exponents } = vaeMaxima(config);
  const maxima = await maximaOfSamples(graph, run);
  const largest = (exponent: keyof Folding) => {
    const ofThis = maxima.flatMap((values) =>
      [...values].filter((_, i) => exponents[i] === exponent),
    );
    const seen = Math.max(0, ...ofThis);
    return Number(seen.toPrecision(SEEN_DIGITS));
  };
  const seen = { residual: largest('residual'), inner: largest('inner') };
  return { seen, folding: { residual: exponentOf(seen.residual), inner: exponentOf(seen.inner) } };
}

const exponentOf = (seen: number): number => Math.max(0, Math.ceil(Math.log2(seen / LARGEST_SEEN)));
