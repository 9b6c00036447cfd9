import type { RgbImage } from './blocks.ts';

/** One number a pixel. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** Half the side of the neighbourhood that a pixel is compared with. */
const REACH = 3;
/** Deviation that a flat neighbourhood counts for: rounding and compression are never quieter. */
const FLOOR = 1;
/** What an edge counts for at most. */
const MOST_UNITS = 2.5;

export function lumaOf({ width, height, pixels }: RgbImage): Plane {
  const values = new Float32Array(width * height);
  for (let i = 0, at = 0; i < values.length; i += 1, at += 3) {
    values[i] =
      0.299 * (pixels[at] as number) +
      0.587 * (pixels[at + 1] as number) +
      0.114 * (pixels[at + 2] as number);
  }
  return { width, height, values };
}

/** The plane at half the size: means of two by two. */
export function halve({ width, height, values }: Plane): Plane {
  const across = width >> 1;
  const down = height >> 1;
  const halved = new Float32Array(across * down);
  for (let y = 0; y < down; y += 1) {
    for (let x = 0; x < across; x += 1) {
      const at = 2 * y * width + 2 * x;
      const above = (values[at] as number) + (values[at + 1] as number);
      const below = (values[at + width] as number) + (values[at + width + 1] as number);
      halved[y * across + x] = (above + below) / 4;
    }
  }
  return { width: across, height: down, values: halved };
}

/**
 * What a picture has beside its own content: each pixel less its neighbourhood's mean, in units of that
 * neighbourhood's deviation, so that textures and edges drown the mark no more than elsewhere.
 */
export function whiten(plane: Plane): Plane {
  const mean = boxMean(plane, REACH);
  const rest = { ...plane, values: plane.values.map((value, i) => value - (mean[i] as number)) };
  const power = boxMean({ ...rest, values: rest.values.map((value) => value * value) }, REACH);
  const values = rest.values.map((value, i) => {
    const unit = value / (Math.sqrt(Math.max(0, power[i] as number)) + FLOOR);
    return Math.max(-MOST_UNITS, Math.min(MOST_UNITS, unit));
  });
  return { ...plane, values };
}

/** Mean over the (2 reach + 1)² pixels around each; at an edge, over those that there are. */
function boxMean({ width, height, values }: Plane, reach: number): Float32Array {
  const rows = new Float32Array(values.length);
  for (let y = 0; y < height; y += 1) {
    const start = y * width;
    let sum = 0;
    for (let x = 0; x < Math.min(reach, width); x += 1) sum += values[start + x] as number;
    for (let x = 0; x < width; x += 1) {
      if (x + reach < width) sum += values[start + x + reach] as number;
      if (x - reach - 1 >= 0) sum -= values[start + x - reach - 1] as number;
      const count = Math.min(width - 1, x + reach) - Math.max(0, x - reach) + 1;
      rows[start + x] = sum / count;
    }
  }
  const means = new Float32Array(values.length);
  const sums = new Float64Array(width);
  for (let y = 0; y < Math.min(reach, height); y += 1) {
    for (let x = 0; x < width; x += 1)
      sums[x] = (sums[x] as number) + (rows[y * width + x] as number);
  }
  for (let y = 0; y < height; y += 1) {
    const into = (y + reach) * width;
    const out = (y - reach - 1) * width;
    const count = Math.min(height - 1, y + reach) - Math.max(0, y - reach) + 1;
    for (let x = 0; x < width; x += 1) {
      let sum = sums[x] as number;
      if (y + reach < height) sum += rows[into + x] as number;
      if (y - reach - 1 >= 0) sum -= rows[out + x] as number;
      sums[x] = sum;
      means[y * width + x] = sum / count;
    }
  }
  return means;
}
