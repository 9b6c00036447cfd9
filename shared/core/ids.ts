import type { Clock } from './clock.ts';

/** Random bytes as a dependency, so that tests can repeat themselves. */
export type RandomBytes = (length: number) => Uint8Array;

declare const idBrand: unique symbol;
type Id<Kind extends string> = string & { readonly [idBrand]: Kind };

/** A prediction's id: 26 lower-case base32 characters that sort by time of creation. */
export type JobId = Id<'job'>;
/** `acc_` and 26 characters. */
export type AccountId = Id<'account'>;
/** The public part of an API key: 16 base62 characters. */
export type KeyId = Id<'key'>;

const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A ULID in lower case: 48 bits of time, 80 random bits (https://github.com/ulid/spec). Ids made in
 * one millisecond are not ordered among themselves.
 */
export function createUlid(clock: Clock, randomBytes: RandomBytes): string {
  let time = clock.now();
  let text = '';
  for (let i = 0; i < 10; i++) {
    text = BASE32.charAt(time % 32) + text;
    time = Math.floor(time / 32);
  }
  for (const byte of randomBytes(16)) text += BASE32.charAt(byte % 32);
  return text;
}

/** The smallest ULID of a time, in milliseconds since the Unix epoch. */
export function ulidFloor(epochMs: number): string {
  return createUlid({ now: () => Math.max(0, epochMs) }, (length) => new Uint8Array(length));
}

/** Whether a text has the form of {@link createUlid}. */
export function isUlid(text: string): boolean {
  return /^[0-9a-hjkmnp-tv-z]{26}$/.test(text);
}

/** The time of creation that a ULID carries, in milliseconds since the Unix epoch. */
export function ulidTime(ulid: string): number {
  let time = 0;
  for (const char of ulid.slice(0, 10)) time = time * 32 + BASE32.indexOf(char);
  return time;
}
