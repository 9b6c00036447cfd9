import sharp from 'sharp';

/** The longest side, and the quality: enough for an agent to see what the picture shows. */
const SIDE = 768;
const QUALITY = 75;

/** A small webp of an image file, some tens of kilobytes. It has no marks: the original keeps those. */
export function previewImage(file: Uint8Array): Promise<Uint8Array> {
  const size = { width: SIDE, height: SIDE, fit: 'inside', withoutEnlargement: true } as const;
  return sharp(file).resize(size).webp({ quality: QUALITY }).toBuffer();
}
