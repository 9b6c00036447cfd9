import type { Sharp } from 'sharp';
import {
  type EmbeddedReceipt,
  serializeReceipt,
  watermarkPayload,
} from '#shared/core/embedded-receipt.ts';
import { assert } from '#shared/core/errors.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import type { ImageFormat } from '#shared/core/inference.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import { signImage } from '#shared/provenance/c2pa/sign-image.ts';
import type { Marking } from '#shared/provenance/marking.ts';
import { decodePixels } from '#shared/provenance/verify/decode-pixels.ts';
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
  /** SHA-256 of the file, of the model's own pixels and of the pixels that the file decodes to, hex. */
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
  const encode = format === 'png' ? encodePng : encodeLossy;
  const { file, delivered } = await encode({ ...picture, pixels: marked }, own, options);
  const claim = { version: ENGINE_VERSION, model };
  const bytes = await signImage(file, format, claim, marking.signer);
  return {
    bytes,
    sha256: sha256Hex(bytes),
    pixelsSha256: own.pixels_sha256,
    deliveredSha256: delivered,
  };
}

interface Encoded {
  readonly file: Uint8Array;
  /** The digest of the pixels that a reader of the file gets. */
  readonly delivered: string;
}

async function encodePng(
  picture: Pixels,
  receipt: EmbeddedReceipt,
  options: EncodeOptions,
): Promise<Encoded> {
  const delivered = sha256Hex(picture.pixels);
  const { xmp, parameters } = describe(receipt, delivered, options);
  const plain = await (await sharpOf(picture)).png().toBuffer();
  // libpng would compress the packet, and XMP in a PNG is found by its plain text.
  const png = withPngText(plain, 'XML:com.adobe.xmp', xmp);
  return { file: withPngText(png, 'parameters', parameters), delivered };
}

/**
 * Only the file tells what compression made of the pixels: it is written with a digest of zeros, read, and
 * given the right one, whose packet is as long.
 */
async function encodeLossy(
  picture: Pixels,
  receipt: EmbeddedReceipt,
  options: EncodeOptions,
): Promise<Encoded> {
  const { format, quality } = options;
  const blank = describe(receipt, '0'.repeat(64), options).xmp;
  const image = (await sharpOf(picture)).withXmp(blank);
  const file = await (format === 'jpeg'
    ? image.jpeg({ quality })
    : image.webp({ quality })
  ).toBuffer();
  const { default: sharp } = await import('sharp');
  const delivered = sha256Hex((await decodePixels(sharp(file))).pixels);
  const packet = Buffer.from(describe(receipt, delivered, options).xmp);
  const at = file.indexOf(blank);
  assert(at >= 0 && packet.length === Buffer.byteLength(blank), 'the packet stands in the file');
  packet.copy(file, at);
  return { file, delivered };
}

/** What is written beside the pixels, for these pixels. */
function describe(
  own: EmbeddedReceipt,
  delivered_sha256: string,
  { model, marking: { keys } }: EncodeOptions,
) {
  const receipt = { ...own, delivered_sha256 };
  const parameters = generationParameters(receipt, model.recipe);
  const serialized = serializeReceipt(receipt);
  const xmp = xmpPacket(receipt, parameters, serialized, keys.signReceipt(serialized));
  return { parameters, xmp };
}

async function sharpOf({ width, height, pixels }: Pixels): Promise<Sharp> {
  const { default: sharp } = await import('sharp');
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}
