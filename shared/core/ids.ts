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

/** The last id of each source of randomness. */
const latest = new WeakMap<RandomBytes, { readonly time: number; readonly random: string }>();

/**
 * A ULID in lower case: 48 bits of time, 80 random bits. Ids that one source makes in one millisecond are
 * in the order in which they were made (https://github.com/ulid/spec, "Monotonicity").
 */
export function createUlid(clock: Clock, randomBytes: RandomBytes): string {
  const time = clock.now();
  const last = latest.get(randomBytes);
  const follows = last?.time === time ? successor(last.random) : undefined;
  const random =
    follows ?? Array.from(randomBytes(16), (byte) => BASE32.charAt(byte % 32)).join('');
  latest.set(randomBytes, { time, random });
  return timeText(time) + random;
}

let lastTime = { time: -1, text: '' };

/** Ten digits of a time. Ids are made many in a millisecond. */
function timeText(time: number): string {
  if (lastTime.time === time) return lastTime.text;
  let text = '';
  for (let i = 0, left = time; i < 10; i++, left = Math.floor(left / 32)) {
    text = BASE32.charAt(left % 32) + text;
  }
  lastTime = { time, text };
  return text;
}

/** The next number in base 32, of the same length; undefined after the last. */
function successor(number: string): string | undefined {
  let length = number.length;
  while (length > 0 && number.charAt(length - 1) === 'z') length--;
  if (length === 0) return undefined;
  const grown = BASE32.charAt(BASE32.indexOf(number.charAt(length - 1)) + 1);
  return number.slice(0, length - 1) + grown + '0'.repeat(number.length - length);
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
