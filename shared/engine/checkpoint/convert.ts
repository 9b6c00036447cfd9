import { AppError } from '#shared/core/errors.ts';
import { float8ToFloat } from '#shared/engine/bytes/float8.ts';
import { bfloat16ToFloat, floatToHalf, halfToFloat } from '#shared/engine/bytes/half.ts';
import { DTYPE_BYTES, type Dtype } from './tensor.ts';

/** Values that pass through a float buffer at a time between F64 or BF16 and F16. */
const CHUNK_VALUES = 65_536;

/**
 * Converts a tensor's values to single or half precision. Widening is exact; narrowing rounds to
 * nearest, ties to even, via F32 as torch does.
 *
 * @param bytes little-endian values of `from`, returned unchanged if `from` is `to`
 * @param into a buffer to reuse, at least as long as the result; the answer is a view of it
 * @throws AppError `invalid-file` if `from` is not a floating-point type
 */
export function convert(
  bytes: Uint8Array,
  from: Dtype,
  to: 'F32' | 'F16',
  into?: Uint8Array,
): Uint8Array {
  if (from === to) return bytes;
  const count = bytes.length / DTYPE_BYTES[from];
  const target = into ?? new Uint8Array(count * DTYPE_BYTES[to]);
  const result = target.subarray(0, count * DTYPE_BYTES[to]);
  if (to === 'F32') widen(bytes, from, words32(result));
  else if (from === 'F32') floatToHalf(words32(aligned(bytes, 4)), words16(result));
  else narrowByFloats(bytes, from, words16(result));
  return result;
}

/** Values of any floating-point type as float bits. */
function widen(bytes: Uint8Array, from: Dtype, target: Uint32Array): void {
  if (from === 'F16') halfToFloat(words16(aligned(bytes, 2)), target);
  else if (from === 'BF16') bfloat16ToFloat(words16(aligned(bytes, 2)), target);
  else if (from === 'F64') {
    const source = aligned(bytes, 8);
    const floats = new Float32Array(target.buffer, target.byteOffset, target.length);
    floats.set(new Float64Array(source.buffer, source.byteOffset, target.length));
  } else if (from === 'F8_E4M3' || from === 'F8_E5M2') {
    float8ToFloat(bytes, from, new Float32Array(target.buffer, target.byteOffset, target.length));
  } else {
    throw new AppError('invalid-file', `Values of type ${from} can't serve as weights.`);
  }
}

function narrowByFloats(bytes: Uint8Array, from: Dtype, target: Uint16Array): void {
  const size = DTYPE_BYTES[from];
  const floats = new Uint32Array(Math.min(CHUNK_VALUES, target.length));
  for (let start = 0; start < target.length; start += floats.length) {
    const end = Math.min(start + floats.length, target.length);
    const part = floats.subarray(0, end - start);
    widen(bytes.subarray(start * size, end * size), from, part);
    floatToHalf(part, target.subarray(start, end));
  }
}

/** The bytes, aligned for a view of elements: copied if necessary. */
function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}

function words32(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

function words16(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}
