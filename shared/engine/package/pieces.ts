declare global {
  namespace WebAssembly {
    class Memory {
      constructor(pages: { initial: number; maximum: number; shared: true });
      readonly buffer: SharedArrayBuffer;
    }
  }
}

/** Bytes that go to the disk at once; larger writes are no faster. */
export const PIECE_BYTES = 4 * 2 ** 20;
/** Pieces in turn: one is filled while others are hashed and written. */
const PIECES = 4;
const WEBASSEMBLY_PAGE_BYTES = 2 ** 16;

/** Memory that all threads share. */
export type Piece = Uint8Array<SharedArrayBuffer>;

/** Buffers for bytes on their way to the disk. */
export class Pieces {
  private readonly free: Piece[];
  private readonly waiting: ((piece: Piece) => void)[] = [];

  constructor() {
    const pages = (PIECES * PIECE_BYTES) / WEBASSEMBLY_PAGE_BYTES;
    // A WebAssembly memory is page-aligned, as writes past the page cache must be; a SharedArrayBuffer
    // begins a few bytes after a page.
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.free = Array.from(
      { length: PIECES },
      (_, index) => new Uint8Array(buffer, index * PIECE_BYTES, PIECE_BYTES),
    );
  }

  /** A free piece, as soon as there is one. */
  async take(): Promise<Piece> {
    return this.free.pop() ?? new Promise((resolve) => this.waiting.push(resolve));
  }

  release(piece: Piece): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(piece);
    else next(piece);
  }
}
