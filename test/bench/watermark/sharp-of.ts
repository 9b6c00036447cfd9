import sharp, { type Sharp } from 'sharp';
import type { RgbImage } from '#shared/provenance/watermark/blocks.ts';

export function sharpOf({ width, height, pixels }: RgbImage): Sharp {
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}
