import { createHash, createHmac } from 'node:crypto';

/** HMAC-SHA256 of `data` under `key`: 32 bytes. */
export function hmacSha256(key: Uint8Array, data: string | Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(data).digest();
}

/** SHA-256 of a text's UTF-8 bytes or of bytes, in lower-case hex. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
