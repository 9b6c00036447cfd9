import { createHash, createHmac, randomFillSync } from 'node:crypto';
import type { RandomBytes } from '#shared/core/ids.ts';
import type { Hmac } from '#shared/domain/key-format.ts';

/** Node's crypto in the forms that the domain asks for. */
export const hmacSha256: Hmac = (key, data) => createHmac('sha256', key).update(data).digest();

/** SHA-256 of a text's UTF-8 bytes or of bytes, hex. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);
let used = 0;

/** Random bytes, drawn from the system a few kilobytes at a time: each request needs sixteen. */
export const randomBytes: RandomBytes = (length) => {
  if (used + length > pool.length) {
    pool = randomFillSync(Buffer.allocUnsafeSlow(Math.max(POOL_BYTES, length)));
    used = 0;
  }
  used += length;
  return new Uint8Array(pool.subarray(used - length, used));
};
