import type { MacKeys } from '#shared/service/domain/key-format.ts';

/** MAC keys of the versions given; the last is current. */
export function macKeys(...versions: readonly [number, ...number[]]): MacKeys {
  return {
    current: versions.at(-1) ?? 0,
    keys: new Map(versions.map((version) => [version, new Uint8Array(32).fill(version + 1)])),
  };
}
