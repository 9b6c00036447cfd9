import { encodePayload } from './code.ts';
import { LINES, PERIOD, PILOTS } from './lines.ts';

const COS = Float64Array.from({ length: PERIOD }, (_, i) => Math.cos((2 * Math.PI * i) / PERIOD));
const SIN = Float64Array.from({ length: PERIOD }, (_, i) => Math.sin((2 * Math.PI * i) / PERIOD));
const ROWS = Math.max(...LINES.map(({ ky }) => ky)) + 1;

/** Place in the tables of the angle of wave number k at pixel 1; each further pixel is as far again. */
function stepOf(k: number): number {
  return k < 0 ? k + PERIOD : k;
}

/** Each line's sign for a payload: the key's, and the code's bit where the line carries one. */
export function signsOf(payload: Uint8Array): Int8Array {
  const code = encodePayload(payload);
  return Int8Array.from(LINES, ({ sign }, i) =>
    i < PILOTS ? sign : sign * (code[i - PILOTS] as number),
  );
}

/**
 * The sum of the lines' waves over one period, row by row.
 *
 * @param amplitudes one for each line
 */
export function synthesise(amplitudes: Float64Array): Float32Array {
  // Over kx for each ky, then over ky: a transform one way after the other.
  const re = new Float64Array(ROWS * PERIOD);
  const im = new Float64Array(ROWS * PERIOD);
  for (let i = 0; i < LINES.length; i += 1) {
    const { kx, ky, phase } = LINES[i] as (typeof LINES)[number];
    const cos = Math.cos(phase) * (amplitudes[i] as number);
    const sin = Math.sin(phase) * (amplitudes[i] as number);
    addLine(re, im, ky * PERIOD, stepOf(kx), cos, sin);
  }
  const tile = new Float32Array(PERIOD * PERIOD);
  const row = new Float64Array(PERIOD);
  for (let y = 0; y < PERIOD; y += 1) {
    row.fill(0);
    for (let ky = 0; ky < ROWS; ky += 1) {
      const c = COS[(ky * y) % PERIOD] as number;
      const s = SIN[(ky * y) % PERIOD] as number;
      addScaled(row, 0, re, ky * PERIOD, c);
      addScaled(row, 0, im, ky * PERIOD, -s);
    }
    tile.set(row, y * PERIOD);
  }
  return tile;
}

/** Adds one line's wave to the row of its ky. */
function addLine(
  re: Float64Array,
  im: Float64Array,
  start: number,
  step: number,
  cos: number,
  sin: number,
): void {
  let angle = 0;
  for (let at = start; at < start + PERIOD; at += 1) {
    const c = COS[angle] as number;
    const s = SIN[angle] as number;
    re[at] = (re[at] as number) + cos * c - sin * s;
    im[at] = (im[at] as number) + cos * s + sin * c;
    angle += step;
    if (angle >= PERIOD) angle -= PERIOD;
  }
}

/** What `synthesise` would have to be given, times half the tile's pixels: a tile's share in each line. */
export function analyse(tile: Float64Array): Float64Array {
  const re = new Float64Array(ROWS * PERIOD);
  const im = new Float64Array(ROWS * PERIOD);
  for (let ky = 0; ky < ROWS; ky += 1) {
    for (let y = 0; y < PERIOD; y += 1) {
      const c = COS[(ky * y) % PERIOD] as number;
      const s = SIN[(ky * y) % PERIOD] as number;
      addScaled(re, ky * PERIOD, tile, y * PERIOD, c);
      addScaled(im, ky * PERIOD, tile, y * PERIOD, -s);
    }
  }
  return Float64Array.from(LINES, ({ kx, ky, phase }) => {
    let sumRe = 0;
    let sumIm = 0;
    const step = stepOf(kx);
    let angle = 0;
    for (let at = ky * PERIOD; at < (ky + 1) * PERIOD; at += 1) {
      const c = COS[angle] as number;
      const s = SIN[angle] as number;
      const a = re[at] as number;
      const b = im[at] as number;
      sumRe += a * c + b * s;
      sumIm += b * c - a * s;
      angle += step;
      if (angle >= PERIOD) angle -= PERIOD;
    }
    return sumRe * Math.cos(phase) + sumIm * Math.sin(phase);
  });
}

/** Adds a part of one row to another. */
function addScaled(
  row: Float64Array,
  start: number,
  from: Float64Array,
  fromStart: number,
  part: number,
): void {
  for (let x = 0; x < PERIOD; x += 1) {
    row[start + x] = (row[start + x] as number) + (from[fromStart + x] as number) * part;
  }
}
