import { FormatError } from '#shared/core/errors.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads little-endian fields from bytes that may be hostile. Every read is checked against the end;
 * a fault is a {@link FormatError} that names the file and the byte in it.
 */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: string;
  readonly #base: number;
  #position = 0;

  /**
   * @param bytes what is read
   * @param file the file's path, for messages
   * @param base where the bytes begin in the file, for messages
   */
  constructor(bytes: Uint8Array, file: string, base = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
    this.#base = base;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  /** Moves to an absolute position within the bytes. */
  seek(position: number): void {
    if (!Number.isSafeInteger(position) || position < 0 || position > this.#bytes.length) {
      throw this.fault(`points to byte ${position} of ${this.#bytes.length}`);
    }
    this.#position = position;
  }

  skip(length: number): void {
    this.#take(length);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  /** An unsigned 64-bit number; one above 2⁵³ − 1 is a fault, since no length can be that large. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.fault(`has the length ${value}`);
    return Number(value);
  }

  /** A big-endian double, as pickles have them. */
  f64BigEndian(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** A view of the next bytes; no copy. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Text of `length` bytes. Invalid UTF-8 is a fault. */
  utf8(length: number): string {
    const bytes = this.bytes(length);
    try {
      return UTF8.decode(bytes);
    } catch (cause) {
      throw new FormatError(this.#file, 'holds text that is not UTF-8', {
        offset: this.#base + this.#position - length,
        cause,
      });
    }
  }

  /** Text up to the next line feed, which is consumed; at most `maxBytes` of it. */
  line(maxBytes: number): string {
    const found = this.#bytes.indexOf(0x0a, this.#position);
    const length = found - this.#position;
    if (found < 0 || length > maxBytes)
      throw this.fault(`has no line end within ${maxBytes} bytes`);
    const text = this.utf8(length);
    this.skip(1);
    return text;
  }

  /** An error about the current position. */
  fault(problem: string): FormatError {
    return new FormatError(this.#file, problem, { offset: this.#base + this.#position });
  }

  #take(length: number): number {
    const start = this.#position;
    if (!Number.isSafeInteger(length) || length < 0 || length > this.#bytes.length - start) {
      throw this.fault(`ends ${this.remaining} bytes on, but ${length} more are due: truncated`);
    }
    this.#position = start + length;
    return start;
  }
}
