import { powerAt, type Scale } from './read-lines.ts';
import type { Spectrum } from './spectrum.ts';

export const SMALLEST_SCALE = 0.45;
const LARGEST_SCALE = 2.2;
/** Looked at in any case: what people and programs choose. */
const USUAL_SCALES = [1, 0.5, 2, 0.75, 1.5];
const MOST_PEAKS = 48;

/** Scales that a picture may have been brought to, the likeliest first. */
export function findScales(spectrum: Spectrum, side: number): Scale[] {
  // A wrong scale puts the pattern's ends apart by the picture's side times the error.
  const step = 1 + 1.6 / side;
  const tried: { scale: number; power: number }[] = [];
  for (let scale = SMALLEST_SCALE; scale <= LARGEST_SCALE; scale *= step) {
    tried.push({ scale, power: powerAt(spectrum, { x: scale, y: scale }) });
  }
  const peaks = tried
    .filter(
      ({ power }, i) => power >= (tried[i - 1]?.power ?? 0) && power >= (tried[i + 1]?.power ?? 0),
    )
    .sort((a, b) => b.power - a.power)
    .slice(0, MOST_PEAKS)
    .map(({ scale }) => scale);
  const [first, ...others] = peaks;
  const ordered = [...(first === undefined ? [] : [first]), ...USUAL_SCALES, ...others];
  return ordered.map((scale) => ({ x: scale, y: scale }));
}

/** Steps to either side, and how far each moves the picture's edge, in pixels. */
const STEPS = 4;
const STEP_PIXELS = 0.4;

/** The scale of most power around one: sides are rounded to pixels, each by itself. */
export function refineScale(spectrum: Spectrum, start: Scale, side: number): Scale {
  let best = start;
  let most = powerAt(spectrum, start);
  const search = (move: (scale: Scale, factor: number) => Scale): void => {
    const from = best;
    for (let step = -STEPS; step <= STEPS; step += 1) {
      const scale = move(from, 1 + (STEP_PIXELS * step) / side);
      const power = powerAt(spectrum, scale);
      if (power > most) {
        best = scale;
        most = power;
      }
    }
  };
  search(({ x, y }, factor) => ({ x: x * factor, y: y * factor }));
  search(({ x, y }, factor) => ({ x: x * factor, y }));
  search(({ x, y }, factor) => ({ x, y: y * factor }));
  return best;
}
