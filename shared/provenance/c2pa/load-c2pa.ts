import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

type C2pa = typeof import('@contentauth/c2pa-wasm');

let loading: Promise<C2pa> | undefined;

/** The C2PA library, which is made for browsers: loaded once, with what it misses in Node. */
export function loadC2pa(): Promise<C2pa> {
  loading ??= load().catch((error: unknown) => {
    // The next image may have more luck.
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<C2pa> {
  const c2pa = await import('@contentauth/c2pa-wasm');
  const require = createRequire(import.meta.url);
  // Read at once, so that other threads compile it while a model loads, which holds up this one.
  const code = readFileSync(require.resolve('@contentauth/c2pa-wasm/c2pa.wasm'));
  Object.assign(globalThis, { FileReaderSync: MemoryReader });
  await c2pa.default({ module_or_path: code });
  return c2pa;
}

/** What the library asks of a Blob: a size, slices, and a type that it does not look at. */
class MemoryBlob {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  slice(start: number, end: number): MemoryBlob {
    return new MemoryBlob(this.#bytes.subarray(start, end));
  }

  copy(): ArrayBuffer {
    return Uint8Array.from(this.#bytes).buffer;
  }
}

/** Browsers' workers read a Blob at once; Node has no such thing. */
class MemoryReader {
  readAsArrayBuffer(blob: MemoryBlob): ArrayBuffer {
    return blob.copy();
  }
}

/** Bytes as the library takes them to sign. */
export function asBlob(bytes: Uint8Array): Blob {
  return new MemoryBlob(bytes) as unknown as Blob;
}
