import { describe, expect, it } from 'vitest';
import { AppError } from '#shared/core/errors.ts';
import { convert } from '#shared/engine/checkpoint/convert.ts';

const VALUES = [0, 1, -2.5, 65_504, 6.1035e-5, 3.140625, -0.333251953125];

function bytes(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The same bytes at an odd place, where no element view could begin. */
function displaced(source: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(source.length + 1);
  buffer.set(source, 1);
  return buffer.subarray(1);
}

function floats(source: Uint8Array): number[] {
  return [...new Float32Array(source.slice().buffer)];
}

describe('convert', () => {
  const f64 = bytes(Float64Array.from(VALUES));
  const f32 = bytes(Float32Array.from(VALUES));
  const single = floats(f32);

  it('narrows from F64 and rounds once more than exact, as by F32', () => {
    expect(floats(convert(f64, 'F64', 'F32'))).toEqual(single);
    expect(convert(f64, 'F64', 'F16')).toEqual(convert(f32, 'F32', 'F16'));
  });

  it('narrows and widens F16 at any place in memory', () => {
    const halves = convert(displaced(f32), 'F32', 'F16');
    expect(halves).toEqual(convert(f32, 'F32', 'F16'));
    const back = floats(convert(displaced(halves), 'F16', 'F32'));
    for (const [index, value] of back.entries()) {
      expect(Math.abs(value - (single[index] ?? 0))).toBeLessThanOrEqual(Math.abs(value) / 2048);
    }
  });

  it('takes BF16 to both, over several chunks', () => {
    const source = new Uint16Array(70_000).fill(0x3fc0);
    source[69_999] = 0xc040;
    const wide = new Float32Array(convert(bytes(source), 'BF16', 'F32').buffer as ArrayBuffer);
    expect([wide[0], wide[69_999]]).toEqual([1.5, -3]);
    const halves = convert(bytes(source), 'BF16', 'F16');
    expect(Buffer.compare(halves, convert(bytes(wide), 'F32', 'F16'))).toBe(0);
  });

  it('fills a buffer that it is given', () => {
    const into = new Uint8Array(64);
    const result = convert(f32, 'F32', 'F16', into);
    expect(result.buffer).toBe(into.buffer);
    expect(result.length).toBe(VALUES.length * 2);
  });

  it('leaves alone what needs no change and refuses what is no float', () => {
    expect(convert(f32, 'F32', 'F32')).toBe(f32);
    expect(() => convert(f64, 'I64', 'F32')).toThrow(AppError);
    expect(() => convert(f64, 'U8', 'F16')).toThrow(/U8/);
  });
});
