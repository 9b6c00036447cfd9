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
  let at = 0;
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor(y / BLOCK) * across;
    for (let bx = 0; bx < across; bx += 1) {
      const end = Math.min(width, (bx + 1) * BLOCK);
      let sum = 0;
      let square = 0;
      for (let x = bx * BLOCK; x < end; x += 1) {
        const value =
          0.299 * (pixels[at] as number) +
          0.587 * (pixels[at + 1] as number) +
          0.114 * (pixels[at + 2] as number);
        at += 3;
        luma[y * width + x] = value;
        sum += value;
        square += value * value;
      }
      sums[row + bx] = (sums[row + bx] as number) + sum;
      squares[row + bx] = (squares[row + bx] as number) + square;
    }
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
  const at = (bx: number): number => {
    const above = values[top * across + bx] as number;
    return above + ((values[bottom * across + bx] as number) - above) * part;
  };
  let left = at(0);
  row.fill(left, 0, Math.min(width, BLOCK / 2));
  for (let bx = 0; bx < across; bx += 1) {
    const right = bx + 1 < across ? at(bx + 1) : left;
    const start = bx * BLOCK + BLOCK / 2;
    const end = Math.min(width, start + BLOCK);
    const slope = (right - left) / BLOCK;
    let value = left + slope / 2;
    for (let x = start; x < end; x += 1) {
      row[x] = value;
      value += slope;
    }
    left = right;
  }
}
