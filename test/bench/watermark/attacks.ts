import sharp from 'sharp';
import type { RgbImage } from '#shared/provenance/watermark/blocks.ts';
import { decodePixels } from '#shared/provenance/verify/decode-pixels.ts';
import { sharpOf } from './sharp-of.ts';

/** Something that happens to pictures on their way, and the share of marks that has to live through it. */
export interface Attack {
  readonly name: string;
  /** Percent, from 512 pixels to a side; absent where nothing is promised. */
  readonly promised?: number;
  apply(image: RgbImage, random: () => number): Promise<RgbImage>;
}

type Format = 'jpeg' | 'webp';

const compressed =
  (format: Format, quality: number) =>
  async (image: RgbImage): Promise<RgbImage> =>
    decodePixels(sharp(await sharpOf(image).toFormat(format, { quality }).toBuffer()));

const scaled = (factor: number) => (image: RgbImage) =>
  decodePixels(
    sharpOf(image).resize(Math.round(image.width * factor), Math.round(image.height * factor), {
      fit: 'fill',
    }),
  );

/** Keeps a share of the area, at a random place. */
const cropped =
  (share: number) =>
  (image: RgbImage, random: () => number): Promise<RgbImage> => {
    const width = Math.round(image.width * Math.sqrt(share));
    const height = Math.round(image.height * Math.sqrt(share));
    const left = Math.floor(random() * (image.width - width + 1));
    const top = Math.floor(random() * (image.height - height + 1));
    return decodePixels(sharpOf(image).extract({ left, top, width, height }));
  };

const afterEachOther =
  (...steps: readonly Attack['apply'][]): Attack['apply'] =>
  async (image, random) => {
    let result = image;
    for (const step of steps) result = await step(result, random);
    return result;
  };

export const ATTACKS: readonly Attack[] = [
  { name: 'none', promised: 99, apply: async (image) => image },
  { name: 'JPEG 75', promised: 99, apply: compressed('jpeg', 75) },
  { name: 'WebP 75', promised: 99, apply: compressed('webp', 75) },
  { name: 'scale 0.75', promised: 99, apply: scaled(0.75) },
  { name: 'scale 1.5', promised: 99, apply: scaled(1.5) },
  { name: 'JPEG 60', promised: 95, apply: compressed('jpeg', 60) },
  { name: 'scale 0.5', promised: 95, apply: scaled(0.5) },
  { name: 'scale 2', promised: 95, apply: scaled(2) },
  { name: 'crop to 60 %', promised: 90, apply: cropped(0.6) },
  { name: 'scale 0.62', apply: scaled(0.62) },
  { name: 'crop to 60 %, JPEG 75', apply: afterEachOther(cropped(0.6), compressed('jpeg', 75)) },
  { name: 'scale 0.75, JPEG 75', apply: afterEachOther(scaled(0.75), compressed('jpeg', 75)) },
];
