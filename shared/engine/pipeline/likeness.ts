/** How alike two pictures of one size are. */
export interface Likeness {
  readonly equal: boolean;
  /** Peak signal to noise ratio in dB; null for equal pictures, which have no noise. */
  readonly psnrDb: number | null;
  /** The largest difference of a byte. */
  readonly largest: number;
}

/** Compares the bytes of two pictures. */
export function likeness(a: Uint8Array, b: Uint8Array): Likeness {
  if (a.length !== b.length) throw new Error('Two pictures of different sizes were compared.');
  let squares = 0;
  let largest = 0;
  for (let i = 0; i < a.length; i += 1) {
    const difference = Math.abs((a[i] ?? 0) - (b[i] ?? 0));
    squares += difference ** 2;
    largest = Math.max(largest, difference);
  }
  if (squares === 0) return { equal: true, psnrDb: null, largest };
  const psnr = 10 * Math.log10((255 ** 2 * a.length) / squares);
  return { equal: false, psnrDb: Math.round(psnr * 10) / 10, largest };
}
