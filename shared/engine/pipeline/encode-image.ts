import {
  type EmbeddedReceipt,
  serializeReceipt,
  watermarkPayload,
} from '#shared/core/embedded-receipt.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import type { ImageFormat } from '#shared/core/inference.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import { signImage } from '#shared/provenance/c2pa/sign-image.ts';
import type { Marking } from '#shared/provenance/marking.ts';
import { embedWatermark } from '#shared/provenance/watermark/embed-watermark.ts';
import { createEmbeddedReceipt } from './embedded-receipt.ts';
import { ENGINE_VERSION } from './engine-version.ts';
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
  /** Marks the pixels, and signs the receipt and the file. */
  readonly marking: Marking;
}

export interface EncodedImage {
  readonly bytes: Uint8Array;
  /** SHA-256 of the file, of the model's own pixels and of the pixels that were encoded, hex. */
  readonly sha256: string;
  readonly pixelsSha256: string;
  readonly deliveredSha256: string;
}

/**
 * Encodes a picture together with the parameters that made it, marked as made by a machine: a watermark
 * in its pixels, IPTC's term in its metadata, and a signed C2PA manifest. Equal pictures and options give
 * equal pixels; the files differ by their signatures.
 *
 * @throws AppError `model-error` where the file can't be signed
 */
export async function encodeImage(picture: Pixels, options: EncodeOptions): Promise<EncodedImage> {
  const { width, height, pixels, seed } = picture;
  const { format, quality, prompt, model, decoder, marking } = options;
  const own = createEmbeddedReceipt({
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
  const marked = marking.watermark
    ? embedWatermark(picture, watermarkPayload(own, marking.keys))
    : pixels;
  const receipt = { ...own, delivered_sha256: sha256Hex(marked) };
  const parameters = generationParameters(receipt, model.recipe);
  const encoded = await encodePixels({ ...picture, pixels: marked }, receipt, parameters, options);
  const claim = { version: ENGINE_VERSION, model };
  const bytes = await signImage(encoded, format, claim, marking.signer);
  return {
    bytes,
    sha256: sha256Hex(bytes),
    pixelsSha256: receipt.pixels_sha256,
    deliveredSha256: receipt.delivered_sha256,
  };
}

async function encodePixels(
  { width, height, pixels }: Pixels,
  receipt: EmbeddedReceipt,
  parameters: string,
  { format, quality, marking: { keys } }: EncodeOptions,
): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const serialized = serializeReceipt(receipt);
  const xmp = xmpPacket(receipt, parameters, serialized, keys.signReceipt(serialized));
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  if (format === 'jpeg') return image.withXmp(xmp).jpeg({ quality }).toBuffer();
  if (format === 'webp') return image.withXmp(xmp).webp({ quality }).toBuffer();
  // libpng would compress the packet, and XMP in a PNG is found by its plain text.
  const png = withPngText(await image.png().toBuffer(), 'XML:com.adobe.xmp', xmp);
  return withPngText(png, 'parameters', parameters);
}
