declare global {
  namespace WebAssembly {
    class Memory {
      constructor(pages: { initial: number; maximum: number; shared: true });
      readonly buffer: SharedArrayBuffer;
    }
  }
}

/** Bytes that go to the disk at once. Larger ones than these make the disk no faster. */
export const PIECE_BYTES = 4 * 2 ** 20;
/** Pieces in turn: one is filled while others are hashed and written. */
const PIECES = 4;
const WEBASSEMBLY_PAGE_BYTES = 2 ** 16;

/** Memory that every thread sees. */
export type Piece = Uint8Array<SharedArrayBuffer>;

/** Memory that bytes pass through on their way from where they are made to the disk. */
export class Pieces {
  private readonly free: Piece[];
  private readonly waiting: ((piece: Piece) => void)[] = [];

  constructor() {
    const pages = (PIECES * PIECE_BYTES) / WEBASSEMBLY_PAGE_BYTES;
    // A memory of WebAssembly begins at a page of the system's, as writes past the page cache must;
    // a SharedArrayBuffer made by name begins a few bytes after one.
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.free = Array.from(
      { length: PIECES },
      (_, index) => new Uint8Array(buffer, index * PIECE_BYTES, PIECE_BYTES),
    );
  }

  /** A piece that nobody uses, once there is one. */
  async take(): Promise<Piece> {
    return this.free.pop() ?? new Promise((resolve) => this.waiting.push(resolve));
  }

  release(piece: Piece): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(piece);
    else next(piece);
  }
}
