import { type Blocks, blocksOf, type RgbImage, spreadRow } from './blocks.ts';
import { PERIOD } from './lines.ts';
import { analyse, signsOf, synthesise } from './pattern.ts';

/** Root mean square of what is added to a channel: a PSNR of 42.3 dB. */
const STRENGTH = 1.95;
/** A block of this deviation takes twice as much of the mark as a flat one, and none takes more than … */
const DOUBLING_DEVIATION = 20;
/** … one of this deviation. */
const MOST_DEVIATION = 24;
/** Deviation that a reader's whitening counts for at least, about. */
const FLAT_DEVIATION = 2;
/** Where the reader's whitening clips, in deviations. */
const MOST_UNITS = 2.5;
/** Share of the mark's energy that may go against the picture's own waves. */
const COUNTER_SHARE = 0.25;

/**
 * Marks a picture so that neither eye nor common processing takes notice of it.
 *
 * The mark is a sum of waves whose signs carry the payload, stronger where the picture is rough. The
 * picture's own part in these waves is countered as far as the energy goes (improved spread spectrum,
 * Malvar and Florêncio 2003).
 *
 * Here and in what it calls, the innermost loops are small functions of a row: V8 compiles these after a few
 * rows, and a loop within a large function not before half the picture. Most processes mark one picture only.
 *
 * @param payload PAYLOAD_BYTES bytes
 * @returns the marked pixels: a function of the pixels and the payload, and of nothing else
 */
export function embedWatermark(image: RgbImage, payload: Uint8Array): Uint8Array {
  const blocks = blocksOf(image);
  const mask = blocks.deviation.map(
    (deviation) => 1 + Math.min(MOST_DEVIATION, deviation) / DOUBLING_DEVIATION,
  );
  const signs = signsOf(payload);
  const { own, power } = measure(blocks, mask);
  const counted = own.map((value, i) => value * (signs[i] as number));
  const amplitudes = shareOut(counted, (2 * STRENGTH ** 2) / power);
  return addTile(
    image,
    blocks,
    mask,
    synthesise(amplitudes.map((a, i) => a * (signs[i] as number))),
  );
}

/**
 * The picture's own amplitude in each line, as a reader would see it, and the mean square of the mask
 * where the mark can show.
 */
function measure(blocks: Blocks, mask: Float32Array): { own: Float64Array; power: number } {
  const weight = blocks.deviation.map((deviation) => 1 / (deviation + FLAT_DEVIATION));
  let unit = 0;
  let power = 0;
  for (let i = 0; i < mask.length; i += 1) {
    const mean = blocks.mean[i] as number;
    // In black and in white, half of the mark is cut off.
    const shown = mean < 2 || mean > 253 ? 0.5 : 1;
    unit += (mask[i] as number) * (weight[i] as number);
    power += (mask[i] as number) ** 2 * shown;
  }
  // What a wave of amplitude 1 under the mask comes to.
  unit *= (blocks.width * blocks.height) / mask.length / 2;
  const own = analyse(foldWhitened(blocks, weight)).map((value) => value / unit);
  return { own, power: power / mask.length };
}

/** The picture about as a reader whitens it, all its periods added up. */
function foldWhitened(blocks: Blocks, weight: Float32Array): Float64Array {
  const { width, height, luma, mean } = blocks;
  const tile = new Float64Array(PERIOD * PERIOD);
  const means = new Float32Array(width);
  const weights = new Float32Array(width);
  for (let y = 0; y < height; y += 1) {
    spreadRow(blocks, mean, y, means);
    spreadRow(blocks, weight, y, weights);
    const row = luma.subarray(y * width, (y + 1) * width);
    foldRow(row, means, weights, tile.subarray((y % PERIOD) * PERIOD));
  }
  return tile;
}

function foldRow(
  luma: Float32Array,
  means: Float32Array,
  weights: Float32Array,
  tile: Float64Array,
): void {
  let column = 0;
  for (let x = 0; x < luma.length; x += 1) {
    const units = ((luma[x] as number) - (means[x] as number)) * (weights[x] as number);
    const clipped = Math.max(-MOST_UNITS, Math.min(MOST_UNITS, units));
    tile[column] = (tile[column] as number) + clipped;
    column = column + 1 === PERIOD ? 0 : column + 1;
  }
}

/**
 * Amplitudes whose squares add up to the budget: equal, but for what counters the picture.
 *
 * @param own the picture's own amplitudes, positive where they help the mark
 */
function shareOut(own: Float64Array, budget: number): Float64Array {
  const energy = own.reduce((sum, value) => sum + value * value, 0);
  const part = energy === 0 ? 0 : Math.min(1, Math.sqrt((COUNTER_SHARE * budget) / energy));
  const amplitudes = new Float64Array(own.length);
  let low = 0;
  let high = 2 * Math.sqrt(budget);
  for (let round = 0; round < 40; round += 1) {
    const base = (low + high) / 2;
    if (shareFrom(base, own, part, amplitudes) > budget) high = base;
    else low = base;
  }
  return amplitudes;
}

/** Amplitudes that are equal but for that part of the picture's own; returns the sum of their squares. */
function shareFrom(
  base: number,
  own: Float64Array,
  part: number,
  amplitudes: Float64Array,
): number {
  let sum = 0;
  for (let i = 0; i < own.length; i += 1) {
    const amplitude = Math.max(0, base - part * (own[i] as number));
    amplitudes[i] = amplitude;
    sum += amplitude * amplitude;
  }
  return sum;
}

function addTile(
  { width, height, pixels }: RgbImage,
  blocks: Blocks,
  mask: Float32Array,
  tile: Float32Array,
): Uint8Array {
  // Rounds and clamps what it is given.
  const marked = new Uint8ClampedArray(pixels.length);
  const strength = new Float32Array(width);
  for (let y = 0; y < height; y += 1) {
    spreadRow(blocks, mask, y, strength);
    const row = tile.subarray((y % PERIOD) * PERIOD);
    addRow(pixels, marked, 3 * y * width, strength, row);
  }
  return new Uint8Array(marked.buffer);
}

function addRow(
  pixels: Uint8Array,
  marked: Uint8ClampedArray,
  from: number,
  strength: Float32Array,
  tile: Float32Array,
): void {
  let at = from;
  let column = 0;
  for (let x = 0; x < strength.length; x += 1) {
    // Equal in all channels: the mark has no colour.
    const delta = (strength[x] as number) * (tile[column] as number);
    marked[at] = (pixels[at] as number) + delta;
    marked[at + 1] = (pixels[at + 1] as number) + delta;
    marked[at + 2] = (pixels[at + 2] as number) + delta;
    at += 3;
    column = column + 1 === PERIOD ? 0 : column + 1;
  }
}
