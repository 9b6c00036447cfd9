/** One wave of the pattern: `kx / PERIOD` and `ky / PERIOD` cycles per pixel. */
export interface Line {
  readonly kx: number;
  readonly ky: number;
  /** Phase at the pattern's origin in radians, so that the waves don't add up to a peak. */
  readonly phase: number;
  /** The key's sign, +1 or -1: an unmarked picture agrees with it by chance only. */
  readonly sign: number;
}

/** Pixels after which the pattern repeats, in both directions. */
export const PERIOD = 96;
/** Lines of known sign, by which the pattern's place is found. */
export const PILOTS = 96;
/** Lines whose sign carries a coded bit. */
export const DATA_LINES = 288;

/**
 * The smallest distance from frequency 0, in cycles per period. Longer waves drown in the picture; much
 * shorter ones are lost to compression and in a picture of half the size.
 */
const INNER_RADIUS = 13;
const KEY = 0x6f6e6573;

/** The lines, pilots first. They are public and the same everywhere, so that anyone can find the mark. */
export const LINES: readonly Line[] = makeLines();
/** The largest distance from frequency 0, in cycles per period. */
export const OUTER_RADIUS = Math.max(...LINES.map(({ kx, ky }) => Math.hypot(kx, ky)));

function makeLines(): Line[] {
  const random = mulberry32(KEY);
  const points: { kx: number; ky: number }[] = [];
  for (let ky = 0; ky <= PERIOD / 4; ky += 1) {
    for (let kx = -PERIOD / 4; kx <= PERIOD / 4; kx += 1) {
      // A real wave has two points, of which this is one.
      if (ky === 0 && kx <= 0) continue;
      if (Math.hypot(kx, ky) >= INNER_RADIUS) points.push({ kx, ky });
    }
  }
  const radius = (point: { kx: number; ky: number }) => point.kx ** 2 + point.ky ** 2;
  const chosen = points
    .sort((a, b) => radius(a) - radius(b) || a.ky - b.ky || a.kx - b.kx)
    .slice(0, PILOTS + DATA_LINES);
  const order = chosen.map(() => random());
  return chosen
    .map((point, i) => ({ point, order: order[i] ?? 0 }))
    .sort((a, b) => a.order - b.order)
    .map(({ point }) => ({
      ...point,
      phase: random() * 2 * Math.PI,
      sign: random() < 0.5 ? -1 : 1,
    }));
}

/** Tommy Ettinger's generator mulberry32: the same numbers on every machine. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
