const MAX_PERIOD = 10_000;

/**
 * The frequencies of diffusers' `Timesteps`, in float32 steps as torch computes them.
 *
 * @param half how many: half the width of the embedding
 */
export function sinusoidFrequencies(half: number, shift: number): Float32Array {
  const exponent = Math.fround(-Math.log(MAX_PERIOD));
  return Float32Array.from({ length: half }, (_, i) =>
    Math.exp(Math.fround(Math.fround(exponent * i) / Math.fround(half - shift))),
  );
}

/** The sinusoidal embedding of one number: cosines first when `flip` is set, as in SDXL. */
export function sinusoid(value: number, width: number, flip: boolean, shift: number): Float32Array {
  const half = Math.floor(width / 2);
  const angles = sinusoidFrequencies(half, shift).map((frequency) => value * frequency);
  const result = new Float32Array(width);
  angles.forEach((angle, i) => {
    result[flip ? i : half + i] = Math.cos(angle);
    result[flip ? half + i : i] = Math.sin(angle);
  });
  return result;
}
