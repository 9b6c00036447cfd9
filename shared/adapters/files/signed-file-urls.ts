import { equalInConstantTime, hmacSha256 } from '#shared/core/hash.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';

/** Where the embedded server serves files. */
export const FILES_PATH = '/files/';

export type FileUrlVerdict =
  | { readonly ok: true; readonly filename: string; readonly expiresAt: number }
  | { readonly ok: false; readonly reason: 'forged' | 'expired' };

export interface SignedFileUrls {
  /** A path under {@link FILES_PATH} that authorises itself until it expires. */
  readonly sign: BlobStore['signedUrl'];
  /** @param now milliseconds since the Unix epoch */
  verify(key: string, query: URLSearchParams, now: number): FileUrlVerdict;
}

const SIGNATURE_BYTES = 16;

/** URLs of local files: the key in the path; expiry, file name and their HMAC in the query. */
export function createSignedFileUrls(secret: Uint8Array): SignedFileUrls {
  const signature = (key: string, expires: string, filename: string): string =>
    hmacSha256(secret, `file\n${key}\n${expires}\n${filename}`)
      .subarray(0, SIGNATURE_BYTES)
      .toString('base64url');

  return {
    async sign(key, { expiresAt, filename }) {
      const expires = String(Math.floor(expiresAt / 1000));
      const signed = signature(key, expires, filename);
      return `${FILES_PATH}${key}?e=${expires}&n=${encodeURIComponent(filename)}&s=${signed}`;
    },

    verify(key, query, now) {
      const [expires, filename, given] = [query.get('e'), query.get('n'), query.get('s')];
      const expected = signature(key, expires ?? '', filename ?? '');
      if (!equalInConstantTime(given ?? '', expected)) return { ok: false, reason: 'forged' };
      const expiresAt = Number(expires) * 1000;
      if (expiresAt <= now) return { ok: false, reason: 'expired' };
      return { ok: true, filename: filename ?? '', expiresAt };
    },
  };
}
