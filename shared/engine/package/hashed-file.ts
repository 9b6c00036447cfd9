import type { Digest } from './digest.ts';
import type { NewFile } from './new-file.ts';
import { PIECE_BYTES, type Piece, type Pieces } from './pieces.ts';

/** Alignment that suits every element type of stored weights. */
const ALIGNMENT = 4;

/**
 * A new file that is hashed while it is written: the caller makes bytes, another thread takes their
 * digest and the system writes them, all at the same time.
 */
export class HashedFile {
  private readonly file: NewFile;
  private readonly digest: Digest;
  private readonly pieces: Pieces;
  private piece: Piece | undefined;
  /** Bytes of the piece that belong to the file. */
  private used = 0;
  /** Bytes of the file before the piece. */
  private sent = 0;
  /** Room for bytes that do not fit into the rest of the piece. */
  private aside = new Uint8Array(0);
  private written: Promise<void> = Promise.resolve();
  private failure: unknown;

  constructor(file: NewFile, digest: Digest, pieces: Pieces) {
    this.file = file;
    this.digest = digest;
    this.pieces = pieces;
  }

  /**
   * Appends bytes, made in place if they fit into the piece.
   *
   * @param make fills all of the room that it is given, which is aligned for its elements
   * @throws as {@link write} does
   */
  async append(length: number, make: (room: Uint8Array) => void): Promise<void> {
    const piece = await this.begin();
    if (this.used % ALIGNMENT === 0 && this.used + length <= PIECE_BYTES) {
      make(piece.subarray(this.used, this.used + length));
      this.advance(length);
      return;
    }
    if (this.aside.length < length) this.aside = new Uint8Array(length);
    const bytes = this.aside.subarray(0, length);
    make(bytes);
    await this.write(bytes);
  }

  /**
   * Appends bytes. Waits while the disk or the digest is behind.
   *
   * @throws AppError `disk-full`, and any other failure of earlier bytes
   */
  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const piece = await this.begin();
      const part = bytes.subarray(done, done + PIECE_BYTES - this.used);
      piece.set(part, this.used);
      this.advance(part.length);
      done += part.length;
    }
  }

  /** Completes the file on the disk. @throws as {@link write} does */
  async close(): Promise<{ sha256: string; bytes: number }> {
    try {
      this.send();
      const sha256 = await this.digest.finish();
      await this.written;
      await this.file.sync();
      return { sha256, bytes: this.sent };
    } finally {
      await this.end();
    }
  }

  /** Closes a file that is no longer wanted. */
  async discard(): Promise<void> {
    if (this.piece !== undefined) this.pieces.release(this.piece);
    // The next file's digest must begin afresh.
    await this.digest.finish().catch(() => undefined);
    await this.end();
  }

  /** The piece that the next bytes belong in. */
  private async begin(): Promise<Piece> {
    this.piece ??= await this.pieces.take();
    if (this.failure !== undefined) throw this.failure;
    return this.piece;
  }

  /** Counts bytes that were put into the piece as the file's. */
  private advance(length: number): void {
    this.used += length;
    // All pieces but the last are full, so that each begins at a block of the disk.
    if (this.used === PIECE_BYTES) this.send();
  }

  /** Sends what the piece holds to the disk and to the digest. */
  private send(): void {
    const { piece } = this;
    if (piece === undefined) return;
    const bytes = piece.subarray(0, this.used);
    const position = this.sent;
    this.sent += this.used;
    this.used = 0;
    this.piece = undefined;
    this.written = this.written.then(() => this.file.write(bytes, position));
    // The next call reports a failure; until then it must not count as unhandled.
    Promise.all([this.written, this.digest.update(bytes)])
      .catch((error) => {
        this.failure ??= error;
      })
      .finally(() => this.pieces.release(piece));
  }

  private async end(): Promise<void> {
    // A write in progress must not meet a descriptor that has been reused for another file.
    await this.written.catch(() => undefined);
    await this.file.close();
  }
}
