/**
 * Writes protocol buffers: the wire format of https://protobuf.dev/programming-guides/encoding.
 * Only what a writer of ONNX models needs; fields come out in the order of the calls.
 */
const WIRE_VARINT = 0;
const WIRE_LENGTH = 2;
const WIRE_FIXED32 = 5;
const INITIAL_BYTES = 256;
/** A length below it takes one byte. */
const VARINT_BASE = 0x80;

export class ProtobufWriter {
  private buffer = new Uint8Array(INITIAL_BYTES);
  private length = 0;

  /** An integer field of any signed or unsigned type; negative numbers take ten bytes. */
  int(field: number, value: number | bigint): this {
    this.tag(field, WIRE_VARINT);
    this.varint(value);
    return this;
  }

  /** A repeated integer field, packed. */
  ints(field: number, values: readonly (number | bigint)[]): this {
    return this.message(field, (inner) => {
      for (const value of values) inner.varint(value);
    });
  }

  float(field: number, value: number): this {
    this.tag(field, WIRE_FIXED32);
    this.fixed32(value);
    return this;
  }

  /** A repeated float field, packed. */
  floats(field: number, values: readonly number[]): this {
    return this.message(field, (inner) => {
      for (const value of values) inner.fixed32(value);
    });
  }

  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.tag(field, WIRE_LENGTH);
    this.varint(value.length);
    this.append(value);
    return this;
  }

  /** A nested message, written by `write`. */
  message(field: number, write: (inner: ProtobufWriter) => void): this {
    this.tag(field, WIRE_LENGTH);
    // Most lengths take one byte; for others, the message moves.
    this.byte(0);
    const start = this.length;
    write(this);
    const size = this.length - start;
    if (size < VARINT_BASE) {
      this.buffer[start - 1] = size;
      return this;
    }
    const content = this.buffer.slice(start, this.length);
    this.length = start - 1;
    this.varint(size);
    this.append(content);
    return this;
  }

  /** The bytes so far. They share memory with the writer, so this ends the writing. */
  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  private tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  private varint(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      let rest = value;
      for (; rest >= VARINT_BASE; rest = Math.floor(rest / VARINT_BASE)) {
        this.byte((rest % VARINT_BASE) | VARINT_BASE);
      }
      this.byte(rest);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  private fixed32(value: number): void {
    this.reserve(4);
    new DataView(this.buffer.buffer).setFloat32(this.length, value, true);
    this.length += 4;
  }

  private byte(value: number): void {
    this.reserve(1);
    this.buffer[this.length] = value;
    this.length += 1;
  }

  private append(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }
}
