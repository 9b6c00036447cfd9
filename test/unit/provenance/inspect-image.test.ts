import sharp, { type SharpOptions } from 'sharp';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '#shared/core/hash.ts';
import { inspectImage } from '#shared/provenance/verify/inspect-image.ts';

const SIDE = 32;
const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 31) & 255);
const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
const picture = () => sharp(pixels, { raw });
const digestOf = async (file: Promise<Buffer>) => (await inspectImage(await file)).pixels_sha256;

it.each([
  ['nothing', async () => Buffer.alloc(0)],
  ['a part', async () => (await picture().png().toBuffer()).subarray(0, 200)],
  ['another format', () => picture().tiff().toBuffer()],
  [
    'text',
    async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
  ],
])('%s is no picture', async (_, file) => {
  await expect(inspectImage(await file())).rejects.toMatchObject({ code: 'invalid-file' });
});

describe('the pixels of a file', () => {
  it('are those that were encoded, in a PNG and with an opaque layer of transparency', async () => {
    expect(await digestOf(picture().png().toBuffer())).toBe(sha256Hex(pixels));
    expect(await digestOf(picture().ensureAlpha(1).png().toBuffer())).toBe(sha256Hex(pixels));
  });

  it('are others where a part cannot be seen', async () => {
    const veiled = picture().ensureAlpha(0.5).png().toBuffer();
    expect(await digestOf(veiled)).not.toBe(sha256Hex(pixels));
  });

  it('are those of every frame', async () => {
    const frames = Buffer.concat([pixels, new Uint8Array(pixels.length)]);
    const strip: SharpOptions = { raw: { ...raw, height: 2 * SIDE, pageHeight: SIDE } };
    const animation = sharp(frames, strip)
      .webp({ lossless: true, delay: [100, 100] })
      .toBuffer();
    expect((await sharp(await animation).metadata()).pages).toBe(2);
    expect(await digestOf(animation)).toBe(sha256Hex(frames));
  });
});
