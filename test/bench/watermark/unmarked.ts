import type { RgbImage } from '#shared/provenance/watermark/blocks.ts';
import { decodePixels } from '#shared/provenance/verify/decode-pixels.ts';
import { sharpOf } from './sharp-of.ts';

/** Pictures that bear no mark: drawn by arithmetic, half of them regular, since the mark is, too. */
export function syntheticPicture(index: number, side: number, random: () => number): RgbImage {
  const pixels = new Uint8Array(side * side * 3);
  const kind = index % 5;
  const waves = Array.from({ length: 1 + Math.floor(random() * 40) }, () => ({
    x: (random() - 0.5) * 0.5,
    y: (random() - 0.5) * 0.5,
    phase: random() * 2 * Math.PI,
  }));
  const period = 3 + Math.floor(random() * 60);
  const strength = 5 + random() * 100;
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      let value = 128 + (x - y) / 8;
      if (kind === 0) value += (random() - 0.5) * 2 * strength;
      if (kind === 1) value += x % period < period / 2 === y % period < period / 2 ? strength : 0;
      if (kind === 2) value += Math.sin(((x * x + y * y) * Math.PI) / (side * period)) * strength;
      if (kind >= 3) value += (strength / waves.length) * sumOf(waves, x, y);
      if (kind === 4) value += (random() - 0.5) * 20;
      const at = (y * side + x) * 3;
      pixels[at] = value;
      pixels[at + 1] = value;
      pixels[at + 2] = value;
    }
  }
  return { width: side, height: side, pixels };
}

interface Wave {
  readonly x: number;
  readonly y: number;
  readonly phase: number;
}

function sumOf(waves: readonly Wave[], x: number, y: number): number {
  return waves.reduce(
    (sum, wave) => sum + Math.cos(2 * Math.PI * (wave.x * x + wave.y * y) + wave.phase),
    0,
  );
}

/** A part of a photograph, at a random place. */
export function randomCrop(image: RgbImage, side: number, random: () => number): Promise<RgbImage> {
  const left = Math.floor(random() * (image.width - side + 1));
  const top = Math.floor(random() * (image.height - side + 1));
  return decodePixels(sharpOf(image).extract({ left, top, width: side, height: side }));
}
