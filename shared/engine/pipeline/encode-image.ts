import { createHash } from 'node:crypto';
import {
  type EmbeddedReceipt,
  serializeReceipt,
  signReceipt,
} from '#shared/core/embedded-receipt.ts';
import type { ImageFormat } from '#shared/core/inference.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import { createEmbeddedReceipt } from './embedded-receipt.ts';
import { generationParameters, xmpPacket } from './image-metadata.ts';
import type { Picture } from './pipeline.ts';
import { withPngText } from './png-text.ts';

/** The part of a picture that goes into a file. */
type Pixels = Pick<Picture, 'seed' | 'width' | 'height' | 'pixels'>;

export interface EncodeOptions {
  readonly format: ImageFormat;
  /** 1–100 for jpeg and webp; png ignores it. */
  readonly quality: number;
  readonly prompt: string;
  readonly decoder?: 'draft' | undefined;
  readonly model: { readonly name: string; readonly digest: string; readonly recipe: Recipe };
  /** Signs the receipt inside the file, if given. */
  readonly signingKey?: Uint8Array | undefined;
}

export interface EncodedImage {
  readonly bytes: Uint8Array;
  /** SHA-256 of the file and of the raw pixels, hex. */
  readonly sha256: string;
  readonly pixelsSha256: string;
}

export const MEDIA_TYPES: Readonly<Record<ImageFormat, string>> = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
};

/**
 * Encodes a picture together with the parameters that made it and a mark that it was made by a machine.
 * Equal pictures and options give equal bytes.
 */
export async function encodeImage(picture: Pixels, options: EncodeOptions): Promise<EncodedImage> {
  const { width, height, pixels, seed } = picture;
  const { format, quality, prompt, model, decoder } = options;
  const receipt = createEmbeddedReceipt({
    // A lossless file is the same at any quality.
    quality: format === 'png' ? 100 : quality,
    model: { name: model.name, digest: model.digest },
    prompt,
    seed,
    width,
    height,
    format,
    decoder,
    pixels,
  });
  const parameters = generationParameters(receipt, model.recipe);
  const bytes = await encodePixels(picture, receipt, parameters, options);
  return {
    bytes,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    pixelsSha256: receipt.pixels_sha256,
  };
}

async function encodePixels(
  { width, height, pixels }: Pixels,
  receipt: EmbeddedReceipt,
  parameters: string,
  { format, quality, signingKey }: EncodeOptions,
): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const serialized = serializeReceipt(receipt);
  const signature = signingKey === undefined ? undefined : signReceipt(serialized, signingKey);
  const xmp = xmpPacket(receipt, parameters, serialized, signature);
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  if (format === 'jpeg') return image.withXmp(xmp).jpeg({ quality }).toBuffer();
  if (format === 'webp') return image.withXmp(xmp).webp({ quality }).toBuffer();
  // libpng would compress the packet, and XMP in a PNG is found by its plain text.
  const marked = withPngText(await image.png().toBuffer(), 'XML:com.adobe.xmp', xmp);
  return withPngText(marked, 'parameters', parameters);
}
