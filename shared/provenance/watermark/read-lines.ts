import { LINES, PERIOD } from './lines.ts';
import type { Spectrum } from './spectrum.ts';

/** How many times as large as when it was marked a picture is, across and down. */
export interface Scale {
  readonly x: number;
  readonly y: number;
}

/** A line's power counts for no more than this, in units of the background: the picture's own peaks. */
const POWER_CAP = 6;
/** Cycles per pixel from which on nothing is read. */
const HIGHEST = 0.49;

/** Real and imaginary parts, one pair for each line. */
export interface ReadLines {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** The lines' wave numbers, turned so that none is to the left: the other half is its mirror image. */
const ACROSS = Float64Array.from(LINES, ({ kx }) => Math.abs(kx) / PERIOD);
const DOWN = Float64Array.from(LINES, ({ kx, ky }) => (kx < 0 ? -ky : ky) / PERIOD);

/** The sum of the lines' powers: high where the scale is right, wherever the pattern begins. */
export function powerAt(spectrum: Spectrum, scale: Scale): number {
  const { columns, rows, width, power } = spectrum;
  const across = columns / scale.x;
  const down = rows / scale.y;
  const highest = HIGHEST * rows;
  let sum = 0;
  for (let i = 0; i < ACROSS.length; i += 1) {
    const column = Math.round((ACROSS[i] as number) * across);
    const line = (DOWN[i] as number) * down;
    if (column >= width || line > highest || line < -highest) continue;
    const row = Math.round(line);
    sum += Math.min(POWER_CAP, power[column * rows + (row < 0 ? row + rows : row)] as number);
  }
  return sum;
}

/** Each line in units of the background, less its own phase and the key's sign. */
export function readLines(spectrum: Spectrum, scale: Scale): ReadLines {
  const { columns, rows, width } = spectrum;
  const read = { re: new Float64Array(LINES.length), im: new Float64Array(LINES.length) };
  for (const [i, { kx, ky, phase, sign }] of LINES.entries()) {
    const flip = kx < 0 ? -1 : 1;
    const fy = (flip * ky) / (PERIOD * scale.y);
    const column = Math.round(((flip * kx) / (PERIOD * scale.x)) * columns);
    if (column >= width || Math.abs(fy) > HIGHEST) continue;
    const at = column * rows + ((Math.round(fy * rows) + rows) % rows);
    const re = spectrum.re[at] as number;
    const im = flip * (spectrum.im[at] as number);
    const power = spectrum.power[at] as number;
    const size = Math.hypot(re, im);
    const unit = size === 0 ? 0 : (sign * Math.sqrt(Math.min(POWER_CAP, power))) / size;
    read.re[i] = unit * (re * Math.cos(phase) + im * Math.sin(phase));
    read.im[i] = unit * (im * Math.cos(phase) - re * Math.sin(phase));
  }
  return read;
}
