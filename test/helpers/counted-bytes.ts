import { createHash } from 'node:crypto';
import type { RandomBytes } from '#shared/core/ids.ts';

/** Bytes that look random, never repeat and are the same in each run. */
export function createCountedBytes(seed = 'test'): RandomBytes {
  let count = 0;
  return (length) => {
    const blocks = [];
    for (let size = 0; size < length; size += 32) {
      blocks.push(createHash('sha256').update(`${seed}:${count++}`).digest());
    }
    return new Uint8Array(Buffer.concat(blocks).subarray(0, length));
  };
}
