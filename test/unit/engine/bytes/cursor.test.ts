import { describe, expect, it } from 'vitest';
import { FormatError } from '#shared/core/errors.ts';
import { Cursor } from '#shared/engine/bytes/cursor.ts';

const BYTES = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xfe, 0x61, 0x0a, 0x62]);

describe('Cursor', () => {
  it('reads little-endian fields one after the other', () => {
    const cursor = new Cursor(BYTES, 'f');
    expect(cursor.u8()).toBe(1);
    expect(cursor.u16()).toBe(0x0302);
    expect(cursor.u32()).toBe(0x0706_0504);
    cursor.seek(0);
    expect(() => cursor.u64()).toThrow(/length 578437695752307201/);
    expect(new Cursor(Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0), 'f').u64()).toBe(5);
    expect(new Cursor(Uint8Array.of(0xff, 0xff, 0xff, 0xff), 'f').i32()).toBe(-1);
    expect(new Cursor(Uint8Array.of(0x3f, 0xf8, 0, 0, 0, 0, 0, 0), 'f').f64BigEndian()).toBe(1.5);
  });

  it('refuses every read past the end and says where', () => {
    for (const read of ['u8', 'u16', 'u32', 'i32', 'u64', 'f64BigEndian'] as const) {
      const cursor = new Cursor(Uint8Array.of(), 'a.bin', 100);
      expect(() => cursor[read]()).toThrow(FormatError);
      expect(() => cursor[read]()).toThrow(/a\.bin: .*truncated \(at byte 100\)/);
    }
    expect(() => new Cursor(BYTES, 'f').bytes(14)).toThrow(FormatError);
    expect(() => new Cursor(BYTES, 'f').bytes(-1)).toThrow(FormatError);
    expect(() => new Cursor(BYTES, 'f').bytes(Number.NaN)).toThrow(FormatError);
    expect(() => new Cursor(BYTES, 'f').seek(14)).toThrow(FormatError);
  });

  it('reads text and refuses what is not UTF-8', () => {
    const cursor = new Cursor(BYTES, 'f');
    cursor.seek(10);
    expect(cursor.line(10)).toBe('a');
    expect(cursor.utf8(1)).toBe('b');
    cursor.seek(8);
    expect(() => cursor.utf8(2)).toThrow(/not UTF-8 \(at byte 8\)/);
    cursor.seek(12);
    expect(() => cursor.line(10)).toThrow(/no line end/);
    cursor.seek(2);
    expect(() => cursor.line(3)).toThrow(/no line end/);
  });

  it('reads within a view that begins inside its buffer', () => {
    const cursor = new Cursor(BYTES.subarray(4, 6), 'f');
    expect(cursor.u16()).toBe(0x0605);
    expect(() => cursor.u8()).toThrow(FormatError);
  });
});
