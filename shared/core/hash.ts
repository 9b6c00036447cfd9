import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/** HMAC-SHA256 of `data` under `key`: 32 bytes. */
export function hmacSha256(key: Uint8Array, data: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** SHA-256 of a text's UTF-8 bytes or of bytes, in lower-case hex. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

/** Whether two texts are equal, in a time that depends on their length alone. */
export function equalInConstantTime(a: string, b: string): boolean {
  const [bytes, others] = [Buffer.from(a), Buffer.from(b)];
  return bytes.length === others.length && timingSafeEqual(bytes, others);
}
