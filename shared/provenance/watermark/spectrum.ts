import { createFft } from './fft.ts';
import type { Plane } from './whiten.ts';

/** Fourier coefficients of a plane around its centre, for frequencies of up to `limit` cycles per pixel. */
export interface Spectrum {
  /** Bins per cycle per pixel, both ways. */
  readonly columns: number;
  readonly rows: number;
  /** Kept columns: 0 … width - 1, which are the frequencies of no less than 0 across. */
  readonly width: number;
  /** Column by column: `width × rows`. */
  readonly re: Float32Array;
  readonly im: Float32Array;
  /** Squared sizes, in units of what is usual at that distance from frequency 0. */
  readonly power: Float32Array;
}

/**
 * The transform of a plane, padded to twice its size so that no frequency is far from a bin. Its origin is
 * the plane's centre: the bins beside a frequency have that frequency's phase.
 */
export function spectrumOf(plane: Plane, limit: number): Spectrum {
  const columns = paddedSize(plane.width);
  const rows = paddedSize(plane.height);
  const width = Math.ceil(limit * columns) + 2;
  const re = new Float32Array(width * rows);
  const im = new Float32Array(width * rows);
  transformRows(plane, columns, rows, { re, im, width });
  const down = createFft(rows);
  const lineRe = new Float64Array(rows);
  const lineIm = new Float64Array(rows);
  for (let k = 0; k < width; k += 1) {
    lineRe.set(re.subarray(k * rows, (k + 1) * rows));
    lineIm.set(im.subarray(k * rows, (k + 1) * rows));
    down(lineRe, lineIm);
    re.set(lineRe, k * rows);
    im.set(lineIm, k * rows);
  }
  const spectrum = { columns, rows, width, re, im };
  return { ...spectrum, power: powersOf(spectrum) };
}

/** Two real rows at a time are one complex one, and come apart by their symmetry. */
function transformRows(
  { width, height, values }: Plane,
  columns: number,
  rows: number,
  out: Pick<Spectrum, 're' | 'im' | 'width'>,
): void {
  const across = createFft(columns);
  const re = new Float64Array(columns);
  const im = new Float64Array(columns);
  const left = width >> 1;
  const top = height >> 1;
  for (let y = 0; y < height; y += 2) {
    re.fill(0);
    im.fill(0);
    for (let x = 0; x < width; x += 1) {
      const at = (x - left + columns) % columns;
      re[at] = values[y * width + x] as number;
      if (y + 1 < height) im[at] = values[(y + 1) * width + x] as number;
    }
    across(re, im);
    const first = (y - top + rows) % rows;
    const second = (y + 1 - top + rows) % rows;
    for (let k = 0; k < out.width; k += 1) {
      const other = (columns - k) % columns;
      const ar = re[k] as number;
      const ai = im[k] as number;
      const br = re[other] as number;
      const bi = im[other] as number;
      out.re[k * rows + first] = (ar + br) / 2;
      out.im[k * rows + first] = (ai - bi) / 2;
      out.re[k * rows + second] = (ai + bi) / 2;
      out.im[k * rows + second] = (br - ar) / 2;
    }
  }
}

const RINGS_PER_CYCLE = 200;
const EULER = 0.5772;

function powersOf({ columns, rows, width, re, im }: Omit<Spectrum, 'power'>): Float32Array {
  const power = new Float32Array(re.length);
  const rings = Math.ceil(Math.SQRT1_2 * RINGS_PER_CYCLE) + 2;
  const logs = new Float64Array(rings);
  const counts = new Float64Array(rings);
  const ringOf = (k: number, row: number): number => {
    const fx = k / columns;
    const fy = (row < rows / 2 ? row : row - rows) / rows;
    return Math.min(rings - 1, Math.round(Math.sqrt(fx * fx + fy * fy) * RINGS_PER_CYCLE));
  };
  for (let k = 0; k < width; k += 1) {
    for (let row = 0; row < rows; row += 1) {
      const at = k * rows + row;
      const value = (re[at] as number) ** 2 + (im[at] as number) ** 2;
      power[at] = value;
      // Every second bin: with the padding, neighbours say the same.
      if ((k + row) % 2 !== 0) continue;
      const ring = ringOf(k, row);
      logs[ring] = (logs[ring] as number) + Math.log(value + 1e-9);
      counts[ring] = (counts[ring] as number) + 1;
    }
  }
  // An exponential variable's mean logarithm is its mean's logarithm less Euler's constant.
  const units = logs.map((log, i) => Math.exp(-log / Math.max(1, counts[i] as number) - EULER));
  for (let k = 0; k < width; k += 1) {
    for (let row = 0; row < rows; row += 1) {
      const at = k * rows + row;
      power[at] = (power[at] as number) * (units[ringOf(k, row)] as number);
    }
  }
  return power;
}

/** A power of two that leaves bins finer than the picture's own. */
function paddedSize(size: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(64, size * 1.5)));
}
