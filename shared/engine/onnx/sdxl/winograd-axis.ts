/**
 * One direction of a convolution by Winograd's algorithm (https://arxiv.org/abs/1509.09308): windows
 * of pixels are transformed into points, multiplied by three taps transformed likewise, and transformed
 * back into pixels. Rows and columns each have an axis; together they use the product of the matrices.
 */
export interface Axis {
  /** `[points][window]`. The first window begins one pixel before the image, the next a tile later. */
  readonly image: Matrix;
  /** `[points][3]`. */
  readonly kernel: Matrix;
  /** `[points][results]`: the pixels that one window yields. */
  readonly result: Matrix;
}

export type Matrix = readonly (readonly number[])[];

/** Pixels from one window to the next. */
export const TILE = 4;

/** F(4, 3): 4 pixels by 6 multiplications, where three taps would take 12. */
export const THREE_TAPS: Axis = {
  image: [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
  ],
  kernel: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ],
  result: [
    [1, 0, 0, 0],
    [1, 1, 1, 1],
    [1, -1, 1, -1],
    [1, 2, 4, 8],
    [1, -2, 4, -8],
    [0, 0, 0, 1],
  ],
};

/**
 * The taps that a doubled image's even and odd pixels take of the small image: two of three taps
 * fall on one small pixel.
 */
const PHASE_TAPS = [
  [
    [1, 0, 0],
    [0, 1, 1],
    [0, 0, 0],
  ],
  [
    [0, 0, 0],
    [1, 1, 0],
    [0, 0, 1],
  ],
] as const;

/**
 * The even (0) or odd (1) pixels of an image doubled by nearest pixels and then convolved, from the
 * small image: F(4, 2), since one tap is always zero and its point is left out.
 */
export function phaseOfDouble(phase: 0 | 1): Axis {
  const kernel = product(THREE_TAPS.kernel, PHASE_TAPS[phase]);
  const counts = kernel.map((taps) => taps.some((tap) => tap !== 0));
  const kept = (matrix: Matrix) => matrix.filter((_, point) => counts[point]);
  return {
    image: kept(THREE_TAPS.image),
    kernel: kept(kernel),
    result: kept(THREE_TAPS.result),
  };
}

/** All pixels of the doubled image, even and odd ones in turn. */
export function bothPhasesOfDouble(): Axis {
  const [even, odd] = [phaseOfDouble(0), phaseOfDouble(1)];
  return {
    image: [...even.image, ...odd.image],
    kernel: [...even.kernel, ...odd.kernel],
    result: [
      ...even.result.map((pixels) => pixels.flatMap((pixel) => [pixel, 0])),
      ...odd.result.map((pixels) => pixels.flatMap((pixel) => [0, pixel])),
    ],
  };
}

function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) =>
    (b[0] ?? []).map((_, column) =>
      row.reduce((sum, value, i) => sum + value * (b[i]?.[column] ?? 0), 0),
    ),
  );
}

/** Both directions at once, by Kronecker: `[pointsOfRows · pointsOfColumns][m · n]`. */
export const kronecker = (rows: Matrix, columns: Matrix): Matrix =>
  rows.flatMap((a) => columns.map((b) => a.flatMap((left) => b.map((right) => left * right))));

export const transposed = (matrix: Matrix): Matrix =>
  (matrix[0] ?? []).map((_, column) => matrix.map((row) => row[column] ?? 0));
