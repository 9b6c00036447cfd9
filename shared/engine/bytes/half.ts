/**
 * Conversions between half-precision, bfloat16 and single-precision numbers, in bulk. Values are
 * bit patterns in the machine's byte order (little-endian on every platform that we run on).
 */

const SIGN = 0x8000;
const INFINITY_BITS = 0x7c00;
const QUIET_BIT = 0x0200;
const FLOAT_MANTISSA = 0x007f_ffff;
const FLOAT_INFINITY = 0x7f80_0000;
/** Exponent bias of binary32 minus that of binary16. */
const BIAS_DIFFERENCE = 127 - 15;

let wideTable: Int32Array | undefined;

/**
 * The binary32 bits of every half: one look-up per element beats any arithmetic. Signed, as is all
 * below that is fast, for V8 keeps unsigned numbers above 2³¹ as doubles.
 */
function halfToFloatTable(): Int32Array {
  if (wideTable !== undefined) return wideTable;
  wideTable = new Int32Array(65_536);
  for (let bits = 0; bits < 65_536; bits++) wideTable[bits] = halfToFloatBits(bits);
  return wideTable;
}

function halfToFloatBits(bits: number): number {
  const sign = (bits & SIGN) << 16;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return (sign | FLOAT_INFINITY | (mantissa << 13)) >>> 0;
  if (exponent > 0) return (sign | ((exponent + BIAS_DIFFERENCE) << 23) | (mantissa << 13)) >>> 0;
  if (mantissa === 0) return sign >>> 0;
  // Subnormal halves are normal floats: move the leading one to the implicit place.
  const shift = Math.clz32(mantissa) - 21;
  const normal = (mantissa << shift) & 0x3ff;
  return (sign | ((BIAS_DIFFERENCE + 1 - shift) << 23) | (normal << 13)) >>> 0;
}

/** Smallest float that is a normal half, 2⁻¹⁴, and the smallest of the next power beyond all halves. */
const NORMAL_BITS = 0x3880_0000;
const OVERFLOW_BITS = 0x4780_0000;

/** The half of a float that isn't a normal half: NaN, overflow, subnormal or zero; sign left out. */
function unusualToHalf(magnitude: number): number {
  if (magnitude > FLOAT_INFINITY) return INFINITY_BITS | QUIET_BIT | ((magnitude >>> 13) & 0x3ff);
  if (magnitude >= OVERFLOW_BITS) return INFINITY_BITS;
  const lost = BIAS_DIFFERENCE + 14 - (magnitude >>> 23);
  if (lost > 24) return 0;
  const mantissa = (magnitude & FLOAT_MANTISSA) | 0x0080_0000;
  return (mantissa + ((1 << (lost - 1)) - 1) + ((mantissa >>> lost) & 1)) >>> lost;
}

/**
 * Widens halves to floats, exactly. NaN payloads are kept.
 *
 * @param source half bits
 * @param target gets `source.length` float bits; may be longer
 */
export function halfToFloat(source: Uint16Array, target: Uint32Array): void {
  const table = halfToFloatTable();
  const result = new Int32Array(target.buffer, target.byteOffset, source.length);
  const pairs = pairsOf(source);
  const count = pairs.length;
  // Two values a step take half the time of one.
  for (let index = 0, to = 0; index < count; index++, to += 2) {
    const pair = pairs[index] as number;
    result[to] = table[pair & 0xffff] as number;
    result[to + 1] = table[pair >>> 16] as number;
  }
  for (let index = 2 * count; index < source.length; index++) {
    result[index] = table[source[index] as number] as number;
  }
}

/** Widens bfloat16 numbers to floats, exactly: they are the upper half of their bits. */
export function bfloat16ToFloat(source: Uint16Array, target: Uint32Array): void {
  const result = new Int32Array(target.buffer, target.byteOffset, source.length);
  const pairs = pairsOf(source);
  const count = pairs.length;
  for (let index = 0, to = 0; index < count; index++, to += 2) {
    const pair = pairs[index] as number;
    result[to] = pair << 16;
    result[to + 1] = pair & 0xffff_0000;
  }
  for (let index = 2 * count; index < source.length; index++) {
    result[index] = (source[index] as number) << 16;
  }
}

/** Neighbours as one word each, the first in the lower half; none where they lie at an odd place. */
function pairsOf(source: Uint16Array): Int32Array {
  const isAligned = source.byteOffset % Int32Array.BYTES_PER_ELEMENT === 0;
  return new Int32Array(
    source.buffer,
    isAligned ? source.byteOffset : 0,
    isAligned ? source.length >> 1 : 0,
  );
}

/**
 * Narrows floats to halves, rounding to nearest, ties to even. What is too large becomes infinity,
 * as IEEE 754 and torch have it; NaNs stay NaNs, made quiet.
 *
 * @param source float bits
 * @param target gets `source.length` half bits; may be longer
 */
export function floatToHalf(source: Uint32Array, target: Uint16Array): void {
  const signed = new Int32Array(source.buffer, source.byteOffset, source.length);
  const count = signed.length;
  for (let index = 0; index < count; index++) {
    const bits = signed[index] as number;
    const magnitude = bits & 0x7fff_ffff;
    // A carry out of the rounded mantissa raises the exponent, up to infinity: just what is wanted.
    const half =
      magnitude >= NORMAL_BITS && magnitude < OVERFLOW_BITS
        ? (magnitude - (BIAS_DIFFERENCE << 23) + 0xfff + ((magnitude >>> 13) & 1)) >>> 13
        : unusualToHalf(magnitude);
    target[index] = ((bits >>> 16) & SIGN) | half;
  }
}
