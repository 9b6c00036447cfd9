import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';

export interface BlobStoreUnderTest {
  readonly blobs: BlobStore;
  close(): void | Promise<void>;
}

/** What every blob store must do; `make` gives an empty one. Signed URLs are tested with who serves them. */
export function describeBlobStore(name: string, make: () => Promise<BlobStoreUnderTest>): void {
  describe(`blob store: ${name}`, () => {
    let blobs: BlobStore;
    let close: () => void | Promise<void>;

    beforeEach(async () => {
      const made = await make();
      blobs = made.blobs;
      close = () => made.close();
    });
    afterEach(() => close());

    const bytes = (text: string) => new TextEncoder().encode(text);
    const KEY = 'outputs/01kb/0.png';

    test('gives back what was put, with its size and type', async () => {
      await blobs.put(KEY, bytes('hello'), 'image/png');
      expect(Buffer.from((await blobs.get(KEY)) ?? []).toString()).toBe('hello');
      const info = await blobs.head(KEY);
      expect(info).toMatchObject({ key: KEY, sizeBytes: 5, contentType: 'image/png' });
      expect(Math.abs((info?.modifiedAt ?? 0) - Date.now())).toBeLessThan(60_000);
    });

    test('replaces an object of the same key', async () => {
      await blobs.put(KEY, bytes('hello'), 'image/png');
      await blobs.put(KEY, bytes('hi'), 'image/webp');
      expect(Buffer.from((await blobs.get(KEY)) ?? []).toString()).toBe('hi');
      expect(await blobs.head(KEY)).toMatchObject({ sizeBytes: 2, contentType: 'image/webp' });
    });

    test('reads an inclusive range', async () => {
      await blobs.put(KEY, bytes('hello'), 'image/png');
      const part = await blobs.get(KEY, { start: 1, end: 3 });
      expect(Buffer.from(part ?? []).toString()).toBe('ell');
    });

    test('knows no absent object', async () => {
      expect(await blobs.get(KEY)).toBeUndefined();
      expect(await blobs.head(KEY)).toBeUndefined();
      await blobs.delete(KEY);
    });

    test('deletes', async () => {
      await blobs.put(KEY, bytes('hello'), 'image/png');
      await blobs.delete(KEY);
      expect(await blobs.head(KEY)).toBeUndefined();
      expect(await blobs.list('outputs/')).toEqual([]);
    });

    test('lists by prefix, also one that is not a folder', async () => {
      for (const key of ['outputs/a/0.png', 'outputs/a/receipt.json', 'outputs/ab/0.png', 'x/1']) {
        await blobs.put(key, bytes('x'), 'application/octet-stream');
      }
      const list = async (prefix: string) => [...(await blobs.list(prefix))].sort();
      expect(await list('outputs/a/')).toEqual(['outputs/a/0.png', 'outputs/a/receipt.json']);
      expect(await list('outputs/a')).toEqual([
        'outputs/a/0.png',
        'outputs/a/receipt.json',
        'outputs/ab/0.png',
      ]);
      expect(await list('none/')).toEqual([]);
    });

    test.each(['../up', 'a/../b', 'a/./b', '/abs', 'a//b', 'a/', '', 'a\\b', 'a b', 'ä', 'a\0b'])(
      'refuses the key %j',
      async (key) => {
        const refused = { code: 'invalid-request' };
        await expect(blobs.put(key, bytes('x'), 'text/plain')).rejects.toMatchObject(refused);
        await expect(blobs.get(key)).rejects.toMatchObject(refused);
        await expect(blobs.head(key)).rejects.toMatchObject(refused);
        await expect(blobs.delete(key)).rejects.toMatchObject(refused);
      },
    );

    test('puts in parallel leave one whole object', async () => {
      const bodies = Array.from({ length: 8 }, (_, i) => new Uint8Array(100_000).fill(i));
      await Promise.all(bodies.map((body) => blobs.put(KEY, body, 'image/png')));
      const stored = (await blobs.get(KEY)) ?? new Uint8Array();
      expect(stored.length).toBe(100_000);
      expect(new Set(stored).size).toBe(1);
      expect(await blobs.list('')).toEqual([KEY]);
    });
  });
}
