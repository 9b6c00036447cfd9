import sharp from 'sharp';

/** An image file's pixels as hex. Files of equal orders differ by their signatures; pixels don't. */
export async function decodedPixels(file: Uint8Array): Promise<string> {
  return (await sharp(file).raw().toBuffer()).toString('hex');
}
