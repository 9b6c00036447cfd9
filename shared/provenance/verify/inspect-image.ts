import { AppError } from '#shared/core/errors.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import type { ImageFormat } from '#shared/core/inference.ts';
import {
  type ManifestFacts,
  readC2paManifest,
} from '#shared/provenance/c2pa/read-c2pa-manifest.ts';
import { hasPngChunk } from '#shared/provenance/png-chunk.ts';
import { detectWatermark } from '#shared/provenance/watermark/detect-watermark.ts';
import { decodePixels } from './decode-pixels.ts';

/** What a file says of itself, before anyone is believed. */
export interface ImageFacts {
  readonly manifest: ManifestFacts | null;
  /** The receipt in the file's XMP and its signature. */
  readonly receipt: string | null;
  readonly signature: string | null;
  /** SHA-256 of the uint8 RGB pixels, row by row, over black where they are transparent. */
  readonly pixels_sha256: string;
  /** The watermark's 6 bytes, hex. */
  readonly watermark: string | null;
}

/** How files of each format begin. */
const BEGINNINGS: readonly (readonly [ImageFormat, RegExp])[] = [
  ['png', /^\x89PNG\r\n/],
  ['jpeg', /^\xff\xd8\xff/],
  ['webp', /^RIFF.{4}WEBP/s],
];
/** More than any model here makes, twice as large each way. */
const MOST_PIXELS = 64_000_000;

/**
 * Reads everything in an image that tells where it comes from.
 *
 * @param file PNG, JPEG or WebP
 * @param anchors PEM certificates of authorities to trust
 * @throws AppError `invalid-file` where it is none of these, or an animated PNG
 */
export async function inspectImage(file: Uint8Array, anchors?: string): Promise<ImageFacts> {
  // The decoder knows many more formats: nothing else gets to it.
  const beginning = Buffer.from(file.subarray(0, 12)).toString('latin1');
  const [format] = BEGINNINGS.find(([, pattern]) => pattern.test(beginning)) ?? rejectFile();
  // The decoder sees its picture alone, which viewers may never show.
  if (format === 'png' && hasPngChunk(file, 'acTL')) {
    throw new AppError('invalid-file', 'Animated PNG files are not read.');
  }
  const { default: sharp } = await import('sharp');
  // All frames of an animation: the first alone may be a picture of ours.
  const image = sharp(file, { limitInputPixels: MOST_PIXELS, pages: -1 });
  const metadata = await image.metadata().catch(rejectFile);
  const decoded = await decodePixels(image).catch(rejectFile);
  const mark = detectWatermark(decoded);
  const manifest = await readC2paManifest(file, `image/${format}`, anchors);
  return {
    manifest: manifest ?? null,
    ...receiptIn(metadata.xmp?.toString('utf8') ?? ''),
    pixels_sha256: sha256Hex(decoded.pixels),
    watermark: mark === undefined ? null : Buffer.from(mark.payload).toString('hex'),
  };
}

function rejectFile(cause?: unknown): never {
  throw new AppError('invalid-file', 'This is not a complete PNG, JPEG or WebP file.', { cause });
}

function receiptIn(xmp: string): Pick<ImageFacts, 'receipt' | 'signature'> {
  const part = (name: string): string | null =>
    new RegExp(`<onestep:${name}>([^<]*)</onestep:${name}>`).exec(xmp)?.[1] ?? null;
  const receipt = part('receipt')
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
  return { receipt: receipt ?? null, signature: part('signature') };
}
