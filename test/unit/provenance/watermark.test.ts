import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { RgbImage } from '#shared/provenance/watermark/blocks.ts';
import { decodePayload, encodePayload, PAYLOAD_BYTES } from '#shared/provenance/watermark/code.ts';
import {
  ACCEPTED_AGREEMENT,
  detectWatermark,
} from '#shared/provenance/watermark/detect-watermark.ts';
import { embedWatermark } from '#shared/provenance/watermark/embed-watermark.ts';
import { LINES, PERIOD } from '#shared/provenance/watermark/lines.ts';

const PAYLOAD = Uint8Array.from([1, 0x80, 0xff, 0, 0x55, 0xaa]);

/** A scene with flat, rough and black parts. */
function scene(width: number, height: number): RgbImage {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const rough = x > width / 2 ? ((x * 7919 + y * 104_729) % 61) - 30 : 0;
      const light = y > (3 * height) / 4 ? 0 : 90 + (80 * y) / height + rough;
      pixels.set([light, light * 0.9, light * 0.7], (y * width + x) * 3);
    }
  }
  return { width, height, pixels };
}

const image = scene(512, 512);
const marked: RgbImage = { ...image, pixels: embedWatermark(image, PAYLOAD) };

async function decoded(file: Promise<Buffer>): Promise<RgbImage> {
  const { data, info } = await sharp(await file)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: new Uint8Array(data) };
}
const picture = () => sharp(marked.pixels, { raw: { width: 512, height: 512, channels: 3 } });

describe('the code', () => {
  it('brings any payload back, with a sixth of its signs turned', () => {
    for (let round = 0; round < 20; round += 1) {
      const payload = createHash('sha256').update(String(round)).digest().subarray(0, 6);
      const soft = Float64Array.from(encodePayload(payload), (sign, i) =>
        (i * 31 + round) % 6 === 0 ? -sign : sign,
      );
      expect(decodePayload(soft)).toEqual(new Uint8Array(payload));
    }
  });

  it('refuses what is no codeword', () => {
    const random = Float64Array.from(encodePayload(PAYLOAD), (_, i) => Math.sin(i * i));
    expect(decodePayload(random)).toBeUndefined();
  });

  it('has bits for a deployment and a receipt', () => expect(PAYLOAD_BYTES * 8).toBe(48));
});

describe('the pattern', () => {
  it('is the same on every machine', () => {
    const digest = createHash('sha256').update(marked.pixels).digest('hex');
    expect(digest).toBe('c00d0146aded175ae86e552184aa083907a3ffe7b9893c7b08b402ca370af1ef');
    expect(new Set(LINES.map(({ kx, ky }) => `${kx} ${ky}`)).size).toBe(384);
  });

  it('makes a false find unlikely by design', () => {
    const payloads = 2 ** 48;
    const places = 2 ** 17 * 2 ** 14;
    const chance = Math.exp((-LINES.length * ACCEPTED_AGREEMENT ** 2) / 2);
    expect(chance * payloads * places).toBeLessThan(1e-6);
  });
});

describe('a marked picture', () => {
  it('differs by no more than the eye forgives', () => {
    const sum = image.pixels.reduce(
      (all, value, i) => all + (value - (marked.pixels[i] ?? 0)) ** 2,
      0,
    );
    expect(10 * Math.log10(255 ** 2 / (sum / image.pixels.length))).toBeGreaterThan(42);
  });

  it.each([
    ['as it is', () => picture().png().toBuffer()],
    ['as JPEG 60', () => picture().jpeg({ quality: 60 }).toBuffer()],
    ['as WebP 75', () => picture().webp({ quality: 75 }).toBuffer()],
    ['at half the size', () => picture().resize(256).png().toBuffer()],
    ['at twice the size', () => picture().resize(1024).png().toBuffer()],
    ['at an odd size', () => picture().resize(437, 437).png().toBuffer()],
    [
      'cropped',
      () => picture().extract({ left: 77, top: 31, width: 397, height: 397 }).png().toBuffer(),
    ],
  ])('is known %s', async (_, file) => {
    const found = detectWatermark(await decoded(file()));
    expect(found?.payload).toEqual(PAYLOAD);
  });

  it('tells its scale', async () => {
    const found = detectWatermark(await decoded(picture().resize(384).png().toBuffer()));
    expect(found?.scale).toBeCloseTo(0.75, 2);
  });

  it.each([
    [1, 1],
    [8, 8],
    [95, 97],
    [PERIOD * 2, 3],
  ])('may have any size: %d × %d', (width, height) => {
    const small = scene(width, height);
    const pixels = embedWatermark(small, PAYLOAD);
    expect(pixels.length).toBe(small.pixels.length);
    detectWatermark({ ...small, pixels });
  });
});

it('finds nothing in a picture without a mark', () => {
  expect(detectWatermark(image)).toBeUndefined();
});
