import { LRUCache } from 'lru-cache';
import { AppError } from '#shared/core/errors.ts';
import { equalInConstantTime, hmacSha256 } from '#shared/core/hash.ts';
import type { KeyId, RandomBytes } from '#shared/core/ids.ts';
import { base62Digit, base62Value, encodeBase62, randomBase62 } from './base62.ts';

/**
 * The text of an API key: `os_live_<id>_<secret>_<mac>`.
 *
 * `id` (16 base62 digits) names the key in storage, `secret` (24 digits, 142 bits) is known only to
 * its holder. `mac` is one digit for the version of the MAC key and 22 digits of HMAC-SHA256, cut to
 * 128 bits, over everything before it: a forged or mistyped key is refused without a look-up.
 */

/** MAC keys by version (0–61). New API keys are signed with `current`; the others still verify. */
export interface MacKeys {
  readonly current: number;
  readonly keys: ReadonlyMap<number, Uint8Array>;
}

export interface ParsedApiKey {
  readonly id: KeyId;
  readonly macVersion: number;
  /** What the MAC is computed over. */
  readonly signedText: string;
  readonly mac: string;
}

/** What a key's text shows by itself, before any store was asked. */
export type KeyCheck =
  | { readonly ok: true; readonly key: ParsedApiKey }
  | { readonly ok: false; readonly reason: 'malformed' | 'forged' };

const MAC_BYTES = 16;
const MAC_DIGITS = 22;
const SECRET_DIGITS = 24;
const PATTERN = /^(os_live_([0-9A-Za-z]{16})_[0-9A-Za-z]{24})_([0-9A-Za-z])([0-9A-Za-z]{22})$/;

/** Takes a key's text apart; undefined when it has another form. Says nothing about its truth. */
export function parseApiKey(text: string): ParsedApiKey | undefined {
  // The length first: a pattern must not run over a header of megabytes.
  if (text.length !== 73) return undefined;
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const [, signedText = '', id = '', version = '', mac = ''] = match;
  return { id: id as KeyId, macVersion: base62Value(version), signedText, mac };
}

/** Whether the MAC is ours, compared in constant time. A version without a key is a forgery. */
export function verifyApiKeyMac(parsed: ParsedApiKey, macKeys: MacKeys): boolean {
  const key = macKeys.keys.get(parsed.macVersion);
  if (key === undefined) return false;
  return equalInConstantTime(parsed.mac, computeMac(parsed.signedText, key));
}

/** Most texts that a check remembers. */
const MEMORY_SIZE = 1000;

/**
 * Takes keys apart and checks their MACs. Genuine texts are remembered, as busy clients send the same
 * one with every request; a look-up tells a forger nothing, since only the whole text finds it.
 */
export function createKeyCheck(macKeys: MacKeys): (text: string) => KeyCheck {
  const genuine = new LRUCache<string, KeyCheck>({ max: MEMORY_SIZE });
  return (text) => {
    const known = genuine.get(text);
    if (known !== undefined) return known;
    const key = parseApiKey(text);
    if (key === undefined) return { ok: false, reason: 'malformed' };
    if (!verifyApiKeyMac(key, macKeys)) return { ok: false, reason: 'forged' };
    const check: KeyCheck = { ok: true, key };
    genuine.set(text, check);
    return check;
  };
}

/** Makes a new key's text; it is the caller's to show it once and store only its hash. */
export function mintApiKey(deps: {
  readonly randomBytes: RandomBytes;
  readonly macKeys: MacKeys;
}): { readonly id: KeyId; readonly text: string } {
  const id = randomBase62(16, deps.randomBytes) as KeyId;
  const secret = randomBase62(SECRET_DIGITS, deps.randomBytes);
  return { id, text: signApiKey(id, secret, deps.macKeys) };
}

/** The text of a key whose secret was made elsewhere; `KEY_SECRET` says what it looks like. */
export function signApiKey(
  id: KeyId,
  secret: string,
  macKeys: MacKeys,
  version = macKeys.current,
): string {
  const key = macKeys.keys.get(version);
  if (key === undefined) throw new AppError('internal-error', `no MAC key of version ${version}`);
  const signedText = `os_live_${id}_${secret}`;
  return `${signedText}_${base62Digit(version)}${computeMac(signedText, key)}`;
}

function computeMac(signedText: string, key: Uint8Array): string {
  return encodeBase62(hmacSha256(key, signedText).subarray(0, MAC_BYTES), MAC_DIGITS);
}
