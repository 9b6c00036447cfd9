import sharp, { type SharpOptions } from 'sharp';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '#shared/core/hash.ts';
import { PNG_HEADER_BYTES, pngChunk } from '#shared/provenance/png-chunk.ts';
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

it('an animated PNG is none: viewers show frames that are not its picture', async () => {
  const plain = await picture().png().toBuffer();
  const animation = Buffer.concat([
    plain.subarray(0, PNG_HEADER_BYTES),
    // Of one frame, which follows the picture, and is shown for ever.
    pngChunk('acTL', Buffer.from('0000000100000000', 'hex')),
    plain.subarray(PNG_HEADER_BYTES),
  ]);
  expect((await sharp(animation).raw().toBuffer()).equals(Buffer.from(pixels))).toBe(true);
  await expect(inspectImage(animation)).rejects.toMatchObject({ code: 'invalid-file' });
  // The letters alone make none.
  const said = Buffer.concat([
    plain.subarray(0, PNG_HEADER_BYTES),
    pngChunk('tEXt', Buffer.from('Comment\0acTL')),
    plain.subarray(PNG_HEADER_BYTES),
  ]);
  expect((await inspectImage(said)).pixels_sha256).toBe(sha256Hex(pixels));
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
