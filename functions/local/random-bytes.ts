import { randomFillSync } from 'node:crypto';
import type { RandomBytes } from '#shared/core/ids.ts';

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
