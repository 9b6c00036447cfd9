import { createHash, createHmac, randomBytes as nodeRandomBytes } from 'node:crypto';
import type { RandomBytes } from '#shared/core/ids.ts';
import type { Hmac } from '#shared/domain/key-format.ts';

/** Node's crypto in the forms that the domain asks for. */
export const hmacSha256: Hmac = (key, data) => createHmac('sha256', key).update(data).digest();

/** SHA-256 of a text's UTF-8 bytes or of bytes, hex. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

export const randomBytes: RandomBytes = (length) => nodeRandomBytes(length);
