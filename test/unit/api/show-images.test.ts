import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { showImages } from '#functions/api/mcp/show-images.ts';
import { previewImage } from '#functions/local/preview-image.ts';
import type { Job } from '#shared/core/job.ts';

/** Soft noise, about as hard to encode as a photograph. */
async function photo(side: number): Promise<Buffer> {
  const small = Math.ceil(side / 8);
  const values = Array.from(
    { length: small * small * 3 },
    (_, i) => ((i * 2_654_435_761) >>> 24) & 255,
  );
  const raw = { width: small, height: small, channels: 3 } as const;
  return sharp(Buffer.from(values), { raw }).resize(side, side).png().toBuffer();
}

const show = async (side: number, count: number, canPreview = true) => {
  const file = await photo(side);
  const images = Array.from({ length: count }, (_, index) => ({ index, key: 'a', format: 'png' }));
  const deps = {
    blobs: { get: async () => file } as never,
    ...(canPreview && { previewImage }),
  };
  const content = await showImages(deps, { images } as unknown as Job);
  return { file, content, bytes: JSON.stringify(content).length };
};

describe('the images of a tool', () => {
  it('are shown as they are while they are small', async () => {
    const { file, content } = await show(64, 1);
    expect(content).toEqual([
      { type: 'image', data: file.toString('base64'), mimeType: 'image/png' },
    ]);
  });

  it.each([1, 4])('stay below what clients take, %i of them', async (count) => {
    const { file, content, bytes } = await show(1024, count);
    expect(file.length).toBeGreaterThan(675_000);
    expect(bytes).toBeLessThan(1_000_000);
    expect(content).toHaveLength(count);
    for (const image of content) {
      expect(image).toMatchObject({ type: 'image', mimeType: 'image/webp' });
      const { data } = image as { data: string };
      const { format, width } = await sharp(Buffer.from(data, 'base64')).metadata();
      expect([format, width]).toEqual(['webp', 768]);
    }
  });

  it('are left to their URLs where none can be made small', async () => {
    expect((await show(1024, 1, false)).content).toEqual([]);
  });
});
