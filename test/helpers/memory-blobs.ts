import type { BlobStore } from '#shared/service/ports/blob-store.ts';

/** A blob store in memory; it keeps what it is given and nothing else. */
export function createMemoryBlobs(): BlobStore {
  const objects = new Map<string, { readonly bytes: Uint8Array; readonly contentType: string }>();
  return {
    async put(key, bytes, contentType) {
      objects.set(key, { bytes: bytes.slice(), contentType });
    },
    async get(key, range) {
      const bytes = objects.get(key)?.bytes;
      return range === undefined ? bytes : bytes?.slice(range.start, range.end + 1);
    },
    async head(key) {
      const object = objects.get(key);
      if (object === undefined) return undefined;
      const { bytes, contentType } = object;
      return { key, sizeBytes: bytes.length, contentType, modifiedAt: 0 };
    },
    async delete(key) {
      objects.delete(key);
    },
    list: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)),
    signedUrl: async (key) => `https://example.com/${key}`,
  };
}
