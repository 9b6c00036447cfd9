/** The bits of infinity; greater ones are NaN. */
const INFINITY_32 = 0x7f80_0000;
const INFINITY_16 = 0x7c00;

/** Whether all of some little-endian floats are numbers: neither NaN nor infinite. */
export function areFinite(bytes: Uint8Array, type: 'F32' | 'F16'): boolean {
  const words = Math.floor(bytes.length / Int32Array.BYTES_PER_ELEMENT);
  const aligned = bytes.byteOffset % Int32Array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  const values = new Int32Array(aligned.buffer, aligned.byteOffset, words);
  const rest = aligned.subarray(words * Int32Array.BYTES_PER_ELEMENT);
  return type === 'F32' ? greatest32(values) < INFINITY_32 : areFiniteHalves(values, rest);
}

/** The greatest magnitude as bits, which order as the floats do. */
function greatest32(values: Int32Array): number {
  let greatest = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = (values[i] as number) & 0x7fff_ffff;
    if (magnitude > greatest) greatest = magnitude;
  }
  return greatest;
}

/** @param rest the bytes of the last half, where their number is odd */
function areFiniteHalves(pairs: Int32Array, rest: Uint8Array): boolean {
  let greatest = ((rest[0] ?? 0) | ((rest[1] ?? 0) << 8)) & 0x7fff;
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i] as number;
    const low = pair & 0x7fff;
    const high = (pair >>> 16) & 0x7fff;
    if (low > greatest) greatest = low;
    if (high > greatest) greatest = high;
  }
  return greatest < INFINITY_16;
}
