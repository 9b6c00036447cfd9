import { encodePayload } from './code.ts';
import { LINES, PERIOD, PILOTS } from './lines.ts';

const COS = Float64Array.from({ length: PERIOD }, (_, i) => Math.cos((2 * Math.PI * i) / PERIOD));
const SIN = Float64Array.from({ length: PERIOD }, (_, i) => Math.sin((2 * Math.PI * i) / PERIOD));
const ROWS = Math.max(...LINES.map(({ ky }) => ky)) + 1;

/** Place in the tables of the angle of wave number k at a pixel. */
function turn(k: number, pixel: number): number {
  const place = (k * pixel) % PERIOD;
  return place < 0 ? place + PERIOD : place;
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
  for (const [i, { kx, ky, phase }] of LINES.entries()) {
    const cos = Math.cos(phase) * (amplitudes[i] as number);
    const sin = Math.sin(phase) * (amplitudes[i] as number);
    for (let x = 0; x < PERIOD; x += 1) {
      const at = ky * PERIOD + x;
      const c = COS[turn(kx, x)] as number;
      const s = SIN[turn(kx, x)] as number;
      re[at] = (re[at] as number) + cos * c - sin * s;
      im[at] = (im[at] as number) + cos * s + sin * c;
    }
  }
  const tile = new Float32Array(PERIOD * PERIOD);
  for (let y = 0; y < PERIOD; y += 1) {
    for (let x = 0; x < PERIOD; x += 1) {
      let sum = 0;
      for (let ky = 0; ky < ROWS; ky += 1) {
        const at = ky * PERIOD + x;
        const angle = turn(ky, y);
        sum +=
          (re[at] as number) * (COS[angle] as number) - (im[at] as number) * (SIN[angle] as number);
      }
      tile[y * PERIOD + x] = sum;
    }
  }
  return tile;
}

/** What `synthesise` would have to be given, times half the tile's pixels: a tile's share in each line. */
export function analyse(tile: Float64Array): Float64Array {
  const re = new Float64Array(ROWS * PERIOD);
  const im = new Float64Array(ROWS * PERIOD);
  for (let ky = 0; ky < ROWS; ky += 1) {
    for (let y = 0; y < PERIOD; y += 1) {
      const c = COS[turn(ky, y)] as number;
      const s = SIN[turn(ky, y)] as number;
      for (let x = 0; x < PERIOD; x += 1) {
        const value = tile[y * PERIOD + x] as number;
        re[ky * PERIOD + x] = (re[ky * PERIOD + x] as number) + value * c;
        im[ky * PERIOD + x] = (im[ky * PERIOD + x] as number) - value * s;
      }
    }
  }
  return Float64Array.from(LINES, ({ kx, ky, phase }) => {
    let sumRe = 0;
    let sumIm = 0;
    for (let x = 0; x < PERIOD; x += 1) {
      const c = COS[turn(kx, x)] as number;
      const s = SIN[turn(kx, x)] as number;
      const a = re[ky * PERIOD + x] as number;
      const b = im[ky * PERIOD + x] as number;
      sumRe += a * c + b * s;
      sumIm += b * c - a * s;
    }
    return sumRe * Math.cos(phase) + sumIm * Math.sin(phase);
  });
}
