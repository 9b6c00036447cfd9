import type { FileHandle } from 'node:fs/promises';
import { AppError, assert } from '#shared/core/errors.ts';
import type { DigestThread } from './digest-thread.ts';

/** Bytes that go to the disk at once. Larger ones than these make the disk no faster. */
const PIECE_BYTES = 4 * 2 ** 20;
/** Pieces in turn: one is filled while others are hashed and written. */
const PIECES = 4;
/** A place where an element of any type that weights are stored in may begin. */
const ALIGNMENT = 4;

/** The most bytes that {@link HashedFile.room} gives at once. */
export const MAX_ROOM_BYTES = PIECE_BYTES;

/** Memory that every thread sees. */
type Piece = Uint8Array<SharedArrayBuffer>;

/** Memory that bytes pass through on their way from where they are made to the disk. */
export class Pieces {
  private readonly free = Array.from(
    { length: PIECES },
    () => new Uint8Array(new SharedArrayBuffer(PIECE_BYTES)),
  );
  private readonly waiting: ((piece: Piece) => void)[] = [];

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

/**
 * A new file that is hashed while it is written: the caller makes bytes, another thread takes their
 * digest and the system writes them, all at once.
 */
export class HashedFile {
  private readonly handle: FileHandle;
  private readonly digest: DigestThread;
  private readonly pieces: Pieces;
  private piece: Piece | undefined;
  /** Bytes of the piece that are the file's. */
  private used = 0;
  /** Bytes of the file before the piece. */
  private sent = 0;
  private written: Promise<void> = Promise.resolve();
  private failure: unknown;

  constructor(handle: FileHandle, digest: DigestThread, pieces: Pieces) {
    this.handle = handle;
    this.digest = digest;
    this.pieces = pieces;
  }

  /**
   * Room for the file's next bytes, aligned for elements. Waits while the disk or the digest is
   * behind.
   *
   * @param length at most {@link MAX_ROOM_BYTES}
   * @throws AppError `disk-full` and what else befell earlier bytes
   */
  async room(length: number): Promise<Uint8Array> {
    assert(length <= MAX_ROOM_BYTES, 'the room is within a piece');
    if (this.used % ALIGNMENT !== 0 || this.used + length > PIECE_BYTES) this.send();
    this.piece ??= await this.pieces.take();
    if (this.failure !== undefined) throw this.failure;
    return this.piece.subarray(this.used, this.used + length);
  }

  /** Takes the first bytes of the room that was given last into the file. */
  advance(length: number): void {
    this.used += length;
  }

  /** Appends bytes. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const room = await this.room(Math.min(bytes.length - done, MAX_ROOM_BYTES));
      room.set(bytes.subarray(done, done + room.length));
      this.advance(room.length);
      done += room.length;
    }
  }

  /** Ends the file. @throws as {@link room} does */
  async close(): Promise<{ sha256: string; bytes: number }> {
    try {
      this.send();
      const sha256 = await this.digest.finish();
      await this.written;
      return { sha256, bytes: this.sent };
    } finally {
      // A write that is under way must not meet a descriptor that has become another file's.
      await this.written.catch(() => undefined);
      await this.handle.close();
    }
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
    this.written = this.written.then(() => writeAll(this.handle, bytes, position));
    // A failure is reported by the next call; until then nobody waits for it.
    Promise.all([this.written, this.digest.update(bytes)])
      .catch((error) => {
        this.failure ??= error;
      })
      .finally(() => this.pieces.release(piece));
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    try {
      const { bytesWritten } = await handle.write(
        bytes,
        done,
        bytes.length - done,
        position + done,
      );
      done += bytesWritten;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
      throw new AppError('disk-full', 'There is no space left for the model package.', { cause });
    }
  }
}
