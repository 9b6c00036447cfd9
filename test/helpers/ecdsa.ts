import { createECDH, createPrivateKey } from 'node:crypto';

/** The order of the curve P-256. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/**
 * ECDSA over a digest, as a service signs that never sees the text: Node signs texts only.
 *
 * @param pem a P-256 key
 * @param k the signature's secret number
 * @returns the signature in DER
 */
export function signDigest(pem: string, digest: Uint8Array, k: bigint): Uint8Array {
  const { d = '' } = createPrivateKey(pem).export({ format: 'jwk' });
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(k.toString(16).padStart(64, '0'), 'hex');
  const r = toNumber(curve.getPublicKey().subarray(1, 33)) % ORDER;
  const key = toNumber(Buffer.from(d, 'base64url'));
  const s = (power(k, ORDER - 2n) * (toNumber(digest) + r * key)) % ORDER;
  const body = Buffer.concat([integer(r), integer(s)]);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}

const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n, square = square ** 2n % ORDER) {
    if (rest & 1n) result = (result * square) % ORDER;
  }
  return result;
}

/** As short as it can be, and never negative. */
function integer(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  const content = (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]);
  return Buffer.concat([Buffer.of(2, content.length), content]);
}
