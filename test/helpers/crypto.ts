import { createHash, createHmac } from 'node:crypto';
import type { Hmac, MacKeys } from '#shared/service/domain/key-format.ts';

export const hmac: Hmac = (key, data) =>
  new Uint8Array(createHmac('sha256', key).update(data).digest());

export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');

/** MAC keys of the versions given; the last is current. */
export function macKeys(...versions: readonly [number, ...number[]]): MacKeys {
  return {
    current: versions.at(-1) ?? 0,
    keys: new Map(versions.map((version) => [version, new Uint8Array(32).fill(version + 1)])),
  };
}
