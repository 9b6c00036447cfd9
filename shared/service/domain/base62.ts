import { assert } from '#shared/core/errors.ts';
import type { RandomBytes } from '#shared/core/ids.ts';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A number below 62 as one base62 digit. */
export function base62Digit(value: number): string {
  const digit = DIGITS[value];
  assert(digit !== undefined, `${value} is no base62 digit`);
  return digit;
}

/** The value of one base62 digit, or −1. */
export function base62Value(digit: string): number {
  return digit.length === 1 ? DIGITS.indexOf(digit) : -1;
}

/** `length` evenly distributed base62 digits (5.95 bits each). */
export function randomBase62(length: number, randomBytes: RandomBytes): string {
  let text = '';
  for (let round = 0; text.length < length; round++) {
    assert(round < 1000, 'the source of randomness repeats one byte');
    for (const byte of randomBytes(length)) {
      // 248 = 4 × 62: bytes above would make the first digits likelier.
      if (byte < 248 && text.length < length) text += DIGITS.charAt(byte % 62);
    }
  }
  return text;
}

/** Bytes as one big-endian number in base62, padded to `length` digits. */
export function encodeBase62(bytes: Uint8Array, length: number): string {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  let text = '';
  for (; value > 0n; value /= 62n) text = DIGITS.charAt(Number(value % 62n)) + text;
  assert(text.length <= length, `${bytes.length} bytes do not fit ${length} base62 digits`);
  return text.padStart(length, '0');
}
