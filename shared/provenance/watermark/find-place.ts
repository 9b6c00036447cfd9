import { createFft } from './fft.ts';
import { LINES, PILOTS } from './lines.ts';
import type { ReadLines } from './read-lines.ts';

/** Steps of a period at which the pattern is looked for; half steps after that. */
const STEPS = 64;
const fft = createFft(STEPS);

/** Where the pattern begins, in steps, and how much the pilots agree with that. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly agreement: number;
}

/** The place that the pilots agree with most: the peak of their correlation, by a transform. */
export function findPlace(read: ReadLines): Place {
  const re = Array.from({ length: STEPS }, () => new Float64Array(STEPS));
  const im = Array.from({ length: STEPS }, () => new Float64Array(STEPS));
  const wrap = (k: number): number => (k + STEPS) % STEPS;
  for (let i = 0; i < PILOTS; i += 1) {
    const { kx, ky } = LINES[i] as (typeof LINES)[number];
    // The conjugate's transform has the real part of the inverse transform.
    (re[wrap(kx)] as Float64Array)[wrap(ky)] = read.re[i] as number;
    (im[wrap(kx)] as Float64Array)[wrap(ky)] = -(read.im[i] as number);
  }
  for (let column = 0; column < STEPS; column += 1) {
    // Columns without a pilot are empty.
    if (re[column]?.some((value) => value !== 0))
      fft(re[column] as Float64Array, im[column] as Float64Array);
  }
  let best = { x: 0, y: 0, agreement: Number.NEGATIVE_INFINITY };
  const rowRe = new Float64Array(STEPS);
  const rowIm = new Float64Array(STEPS);
  for (let y = 0; y < STEPS; y += 1) {
    for (let x = 0; x < STEPS; x += 1) {
      rowRe[x] = (re[x] as Float64Array)[y] as number;
      rowIm[x] = (im[x] as Float64Array)[y] as number;
    }
    fft(rowRe, rowIm);
    for (let x = 0; x < STEPS; x += 1) {
      const agreement = rowRe[x] as number;
      if (agreement > best.agreement) best = { x, y, agreement };
    }
  }
  return sharpen(read, best);
}

/** The best of the half steps around a peak. */
function sharpen(read: ReadLines, peak: Place): Place {
  let best = peak;
  for (let dx = -1; dx <= 1; dx += 0.5) {
    for (let dy = -1; dy <= 1; dy += 0.5) {
      const x = peak.x + dx;
      const y = peak.y + dy;
      let agreement = 0;
      for (let i = 0; i < PILOTS; i += 1) agreement += lineAt(read, { x, y }, i);
      if (agreement > best.agreement) best = { x, y, agreement };
    }
  }
  return best;
}

/** A line's sign and how sure it is, if the pattern begins there. */
export function lineAt(read: ReadLines, place: Pick<Place, 'x' | 'y'>, line: number): number {
  const { kx, ky } = LINES[line] as (typeof LINES)[number];
  const angle = (2 * Math.PI * (kx * place.x + ky * place.y)) / STEPS;
  return (read.re[line] as number) * Math.cos(angle) - (read.im[line] as number) * Math.sin(angle);
}
