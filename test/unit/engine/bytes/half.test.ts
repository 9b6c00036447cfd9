import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat, floatToHalf, halfToFloat } from '#shared/engine/bytes/half.ts';

const ALL_HALVES = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);

/** How many values, and the element of their buffer that they begin at. */
const PLACES = [
  [0, 0],
  [1, 0],
  [1, 1],
  [6, 0],
  [7, 0],
  [6, 1],
  [7, 1],
] as const;

/** The value of a half by its definition, in double arithmetic. */
function valueOfHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

function widen(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  halfToFloat(halves, bits);
  return new Float32Array(bits.buffer);
}

function narrow(values: readonly number[]): number[] {
  const halves = new Uint16Array(values.length);
  floatToHalf(new Uint32Array(Float32Array.from(values).buffer), halves);
  return [...halves];
}

describe('halfToFloat', () => {
  it('gives every one of the 65536 halves its value', () => {
    const floats = widen(ALL_HALVES);
    for (const bits of ALL_HALVES) {
      if (!Object.is(floats[bits], valueOfHalf(bits))) {
        expect.fail(`half ${bits}: ${floats[bits]} is not ${valueOfHalf(bits)}`);
      }
    }
  });

  it.each(PLACES)('takes %i halves at place %i, and touches no more of the target', (count, at) => {
    const halves = ALL_HALVES.slice(0x3c00 - at, 0x3c00 + count).subarray(at);
    const bits = new Uint32Array(count + 2).fill(7);
    halfToFloat(halves, bits.subarray(1));
    const values = new Float32Array(bits.buffer, 4, count);
    expect([...values]).toEqual([...halves].map(valueOfHalf));
    expect([bits[0], bits[count + 1]]).toEqual([7, 7]);
  });
});

describe('floatToHalf', () => {
  it('gives every half back, NaNs as quiet NaNs', () => {
    const back = new Uint16Array(65_536);
    floatToHalf(new Uint32Array(widen(ALL_HALVES).buffer), back);
    for (const bits of ALL_HALVES) {
      const isNan = (bits & 0x7fff) > 0x7c00;
      const expected = isNan ? bits | 0x200 : bits;
      if (back[bits] !== expected) expect.fail(`half ${bits} came back as ${back[bits]}`);
    }
  });

  it('rounds to nearest and ties to even between all neighbours', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const low = valueOfHalf(bits);
      const high = valueOfHalf(bits + 1);
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      const nudge = (high - low) / 512;
      const [down, tie, up, negative] = narrow([middle - nudge, middle, middle + nudge, -middle]);
      if (down !== bits || tie !== even || up !== bits + 1 || negative !== (even | 0x8000)) {
        expect.fail(`near half ${bits}: ${down}, ${tie}, ${up}, ${negative}`);
      }
    }
  });

  it('overflows to infinity from 65520 on, as IEEE 754 says', () => {
    const below = 65_519.996;
    expect(narrow([65_504, below, 65_520, 65_536, 3e38, -1e5])).toEqual([
      0x7bff, 0x7bff, 0x7c00, 0x7c00, 0x7c00, 0xfc00,
    ]);
  });

  it('flushes to zero below half of the smallest subnormal, and keeps the sign', () => {
    const tiny = 2 ** -25;
    expect(narrow([tiny, tiny * 1.0001, -tiny, 1e-40, 0, -0, 2 ** -26])).toEqual([
      0, 1, 0x8000, 0, 0, 0x8000, 0,
    ]);
  });

  it('keeps a NaN whose payload lies in the lost bits', () => {
    const halves = new Uint16Array(2);
    floatToHalf(Uint32Array.of(0x7f80_0001, 0xffff_ffff), halves);
    expect([...halves]).toEqual([0x7e00, 0xffff]);
  });
});

describe('bfloat16ToFloat', () => {
  it('puts the bits on top', () => {
    const bits = new Uint32Array(4);
    bfloat16ToFloat(Uint16Array.of(0x3f80, 0xc049, 0x8000, 0xff80), bits);
    expect([...new Float32Array(bits.buffer)]).toEqual([1, -3.140625, -0, -Infinity]);
  });

  it.each(PLACES)(
    'takes %i numbers at place %i, and touches no more of the target',
    (count, at) => {
      const numbers = ALL_HALVES.slice(0xc000 - at, 0xc000 + count).subarray(at);
      const bits = new Uint32Array(count + 2).fill(7);
      bfloat16ToFloat(numbers, bits.subarray(1));
      expect([...bits]).toEqual([7, ...[...numbers].map((half) => half * 65_536), 7]);
    },
  );
});
