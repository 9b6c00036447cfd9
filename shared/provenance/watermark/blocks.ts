/** Side of the squares that a picture's statistics are taken over. */
const BLOCK = 8;

/** Luma of a picture, and its mean and deviation over squares. */
export interface Blocks {
  readonly width: number;
  readonly height: number;
  /** One number a pixel. */
  readonly luma: Float32Array;
  readonly across: number;
  readonly down: number;
  /** One number a square. */
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}

/** uint8 RGB, row by row. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export function blocksOf({ width, height, pixels }: RgbImage): Blocks {
  const across = Math.ceil(width / BLOCK);
  const down = Math.ceil(height / BLOCK);
  const luma = new Float32Array(width * height);
  const sums = new Float64Array(across * down);
  const squares = new Float64Array(across * down);
  const row = new Float64Array(width);
  for (let y = 0; y < height; y += 1) {
    lumaRow(pixels, 3 * y * width, row);
    luma.set(row, y * width);
    addSums(row, sums, squares, Math.floor(y / BLOCK) * across);
  }
  const mean = new Float32Array(across * down);
  const deviation = new Float32Array(across * down);
  for (let block = 0; block < mean.length; block += 1) {
    const columns = Math.min(BLOCK, width - (block % across) * BLOCK);
    const count = columns * Math.min(BLOCK, height - Math.floor(block / across) * BLOCK);
    const average = (sums[block] as number) / count;
    mean[block] = average;
    deviation[block] = Math.sqrt(Math.max(0, (squares[block] as number) / count - average ** 2));
  }
  return { width, height, luma, across, down, mean, deviation };
}

/** Luma of a row's pixels, the first of which begins there. */
function lumaRow(pixels: Uint8Array, from: number, row: Float64Array): void {
  for (let x = 0, at = from; x < row.length; x += 1, at += 3) {
    row[x] =
      0.299 * (pixels[at] as number) +
      0.587 * (pixels[at + 1] as number) +
      0.114 * (pixels[at + 2] as number);
  }
}

/** Adds a row's values and their squares to those of its squares, the first of which has this place. */
function addSums(
  row: Float64Array,
  sums: Float64Array,
  squares: Float64Array,
  first: number,
): void {
  for (let start = 0, block = first; start < row.length; start += BLOCK, block += 1) {
    const end = Math.min(row.length, start + BLOCK);
    let sum = 0;
    let square = 0;
    for (let x = start; x < end; x += 1) {
      const value = row[x] as number;
      sum += value;
      square += value * value;
    }
    sums[block] = (sums[block] as number) + sum;
    squares[block] = (squares[block] as number) + square;
  }
}

/** Fills a row of pixels with the squares' numbers, even from one square's centre to the next. */
export function spreadRow(
  { width, across, down }: Pick<Blocks, 'width' | 'across' | 'down'>,
  values: Float32Array,
  y: number,
  row: Float32Array,
): void {
  const fy = Math.max(0, (y + 0.5) / BLOCK - 0.5);
  const top = Math.min(down - 1, Math.floor(fy));
  const bottom = Math.min(down - 1, top + 1);
  const part = fy - top;
  // The squares' numbers at the height of this row.
  const levels = new Float64Array(across);
  for (let bx = 0; bx < across; bx += 1) {
    const above = values[top * across + bx] as number;
    levels[bx] = above + ((values[bottom * across + bx] as number) - above) * part;
  }
  let left = levels[0] as number;
  row.fill(left, 0, Math.min(width, BLOCK / 2));
  for (let bx = 0; bx < across; bx += 1) {
    const right = bx + 1 < across ? (levels[bx + 1] as number) : left;
    const start = bx * BLOCK + BLOCK / 2;
    const end = Math.min(width, start + BLOCK);
    const slope = (right - left) / BLOCK;
    fillSlope(row, start, end, left + slope / 2, slope);
    left = right;
  }
}

function fillSlope(
  row: Float32Array,
  start: number,
  end: number,
  from: number,
  slope: number,
): void {
  let value = from;
  for (let x = start; x < end; x += 1) {
    row[x] = value;
    value += slope;
  }
}
