import { createUlid } from '#shared/core/ids.ts';

/** The smallest ULID of a time, in milliseconds since the Unix epoch. */
export function ulidFloor(epochMs: number): string {
  return createUlid({ now: () => Math.max(0, epochMs) }, (length) => new Uint8Array(length));
}
