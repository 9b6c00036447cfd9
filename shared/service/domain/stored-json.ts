import type { BlobStore } from '#shared/service/ports/blob-store.ts';

/** The JSON at a key of the store; undefined when there is none, or what is there is no JSON. */
export async function readStoredJson(key: string, blobs: Pick<BlobStore, 'get'>): Promise<unknown> {
  const bytes = await blobs.get(key);
  return bytes === undefined ? undefined : parseJson(new TextDecoder().decode(bytes));
}

/** A text's JSON; undefined for a text that is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
