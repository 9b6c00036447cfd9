import type { OutputExponents } from '#shared/engine/onnx/sdxl/int8-convolutions.ts';

/** Exponents as a manifest has them: a letter for each channel, `a` for 2⁻¹² to `z` for 2¹³. */
export const LEAST_EXPONENT = -12;
export const GREATEST_EXPONENT = 13;
const FIRST_LETTER = 'a'.charCodeAt(0);

export const exponentLetters = (exponents: OutputExponents): Record<string, string> =>
  Object.fromEntries(
    [...exponents].map(([layer, list]) => [
      layer,
      String.fromCharCode(...list.map((exponent) => FIRST_LETTER + exponent - LEAST_EXPONENT)),
    ]),
  );

export const readExponents = (letters: Readonly<Record<string, string>>): OutputExponents =>
  new Map(
    Object.entries(letters).map(([layer, text]) => [
      layer,
      [...text].map((letter) => letter.charCodeAt(0) - FIRST_LETTER + LEAST_EXPONENT),
    ]),
  );
