import type { ByteSource } from '#shared/engine/checkpoint/byte-source.ts';

/** A file in memory. A read outside of it is a plain Error: the reader's own fault, not the file's. */
export function memorySource(bytes: Uint8Array, path = 'memory.bin'): ByteSource {
  return {
    path,
    sizeBytes: bytes.length,
    read(offset, length, into) {
      const inside = [offset, length, offset + length].every(
        (place) => Number.isSafeInteger(place) && place >= 0 && place <= bytes.length,
      );
      if (!inside) throw new Error(`read of ${length} bytes at ${offset} of ${bytes.length}`);
      const target = into?.subarray(0, length) ?? new Uint8Array(length);
      target.set(bytes.subarray(offset, offset + length));
      return target;
    },
    close() {},
  };
}
