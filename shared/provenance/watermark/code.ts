import { DATA_LINES } from './lines.ts';

/** Bytes of a payload: 2 of the deployment, 4 of the receipt. */
export const PAYLOAD_BYTES = 6;

const PAYLOAD_BITS = PAYLOAD_BYTES * 8;
const CRC_BITS = 16;
const MEMORY = 8;
const STATES = 1 << MEMORY;
/** Rate 1/4, constraint length 9, free distance 24 (Larsen 1973), octal 463 535 733 745. */
const GENERATORS = [0o463, 0o535, 0o733, 0o745];
const STEPS = PAYLOAD_BITS + CRC_BITS + MEMORY;

/** Coded signs by the register's content (state and the new bit): four of +1 or -1 each. */
const OUTPUTS = Array.from({ length: STATES * 2 }, (_, register) =>
  GENERATORS.map((generator) => (parity(register & generator) === 0 ? 1 : -1)),
);

/** The payload, its checksum and the code's tail as signs, one for each data line. */
export function encodePayload(payload: Uint8Array): Int8Array {
  const bits = [...bitsOf(payload), ...numberBits(crc16(payload), CRC_BITS)];
  const signs = new Int8Array(DATA_LINES);
  let state = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const register = (state << 1) | (bits[step] ?? 0);
    signs.set(OUTPUTS[register] ?? [], step * GENERATORS.length);
    state = register & (STATES - 1);
  }
  return signs;
}

/**
 * The likeliest payload (Viterbi's algorithm).
 *
 * @param soft one number for each data line: its sign is the bit's, its size how sure that is
 * @returns undefined when the checksum does not fit
 */
export function decodePayload(soft: Float64Array): Uint8Array | undefined {
  const ways = new Uint8Array(STEPS * STATES);
  let scores = new Float64Array(STATES).fill(Number.NEGATIVE_INFINITY);
  scores[0] = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const next = new Float64Array(STATES).fill(Number.NEGATIVE_INFINITY);
    const inputs = step < PAYLOAD_BITS + CRC_BITS ? 2 : 1;
    for (let state = 0; state < STATES; state += 1) {
      const score = scores[state] ?? 0;
      if (score === Number.NEGATIVE_INFINITY) continue;
      for (let bit = 0; bit < inputs; bit += 1) {
        const register = (state << 1) | bit;
        const signs = OUTPUTS[register] as number[];
        let gain = score;
        for (let i = 0; i < signs.length; i += 1) {
          gain += (signs[i] as number) * (soft[step * signs.length + i] as number);
        }
        const target = register & (STATES - 1);
        if (gain > (next[target] as number)) {
          next[target] = gain;
          // What falls out of the register tells where the way came from.
          ways[step * STATES + target] = register >> MEMORY;
        }
      }
    }
    scores = next;
  }
  const bits = new Uint8Array(STEPS);
  let state = 0;
  for (let step = STEPS - 1; step >= 0; step -= 1) {
    bits[step] = state & 1;
    state = (state >> 1) | ((ways[step * STATES + state] as number) << (MEMORY - 1));
  }
  const payload = new Uint8Array(PAYLOAD_BYTES);
  for (let i = 0; i < PAYLOAD_BITS; i += 1) {
    payload[i >> 3] = ((payload[i >> 3] as number) << 1) | (bits[i] as number);
  }
  let checksum = 0;
  for (let i = 0; i < CRC_BITS; i += 1) {
    checksum = (checksum << 1) | (bits[PAYLOAD_BITS + i] as number);
  }
  return checksum === crc16(payload) ? payload : undefined;
}

function bitsOf(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => numberBits(byte, 8));
}

/** The number's bits, the highest first. */
function numberBits(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (value >> (count - 1 - i)) & 1);
}

function parity(value: number): number {
  let folded = value ^ (value >> 8);
  folded ^= folded >> 4;
  folded ^= folded >> 2;
  return (folded ^ (folded >> 1)) & 1;
}

/** CRC-16/XMODEM begun at ones (CCITT-FALSE), so that a run of zeros is no codeword. */
function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
    }
  }
  return crc;
}
