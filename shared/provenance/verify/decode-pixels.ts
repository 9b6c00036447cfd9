import type { Sharp } from 'sharp';
import type { RgbImage } from '#shared/provenance/watermark/blocks.ts';

/** An image's uint8 RGB pixels, row by row: what receipts have the digest of, and watermarks are read from. */
export async function decodePixels(image: Sharp): Promise<RgbImage> {
  const { data, info } = await image
    .toColourspace('srgb')
    // As it is seen: under transparency, the pixels could be anything.
    .flatten()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const pixels = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return { width: info.width, height: info.height, pixels };
}
