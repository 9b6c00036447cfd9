import { createHash } from 'node:crypto';
import type { RgbImage } from '#shared/provenance/watermark/blocks.ts';
import { detectWatermark } from '#shared/provenance/watermark/detect-watermark.ts';
import { embedWatermark } from '#shared/provenance/watermark/embed-watermark.ts';
import { ATTACKS } from './attacks.ts';
import { randomCrop, syntheticPicture } from './unmarked.ts';

/** What became of one picture's mark, attack by attack. */
export interface MeasuredPicture {
  /** Decibels. */
  readonly psnr: number;
  readonly embedMs: number;
  readonly attacks: readonly {
    readonly outcome: 'found' | 'lost' | 'wrong';
    readonly detectMs: number;
  }[];
}

/** Puts a mark into a picture, does to it what happens on the way, and looks for the mark. */
export async function measurePicture(task: {
  readonly index: number;
  readonly image: RgbImage;
}): Promise<MeasuredPicture> {
  const { index, image } = task;
  const payload = createHash('sha256').update(String(index)).digest().subarray(0, 6);
  const random = seededRandom(index + 1);
  const started = performance.now();
  const marked: RgbImage = { ...image, pixels: embedWatermark(image, payload) };
  const embedMs = performance.now() - started;
  const attacks: MeasuredPicture['attacks'][number][] = [];
  for (const attack of ATTACKS) {
    const attacked = await attack.apply(marked, random);
    const begun = performance.now();
    const found = detectWatermark(attacked);
    const detectMs = performance.now() - begun;
    const isRight = found !== undefined && Buffer.compare(found.payload, payload) === 0;
    attacks.push({ outcome: isRight ? 'found' : found === undefined ? 'lost' : 'wrong', detectMs });
  }
  return { psnr: psnrOf(image.pixels, marked.pixels), embedMs, attacks };
}

const UNMARKED_SIDE = 192;

/** Whether a mark is found where there is none: in a drawing by arithmetic, or in a part of a picture. */
export async function isMarked(task: {
  readonly index: number;
  readonly image: RgbImage | undefined;
}): Promise<boolean> {
  const { index, image } = task;
  const random = seededRandom(index + 1);
  const picture =
    image === undefined
      ? syntheticPicture(index, UNMARKED_SIDE, random)
      : await randomCrop(image, Math.min(image.width, UNMARKED_SIDE), random);
  return detectWatermark(picture) !== undefined;
}

function psnrOf(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / a.length));
}

/** The same numbers in every run (Park and Miller's generator), and others for the next seed. */
function seededRandom(seed: number): () => number {
  let state = (seed * 7_919) % 2_147_483_647;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
