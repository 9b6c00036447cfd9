import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { hmacSha256, sha256Hex } from './hash.ts';

/** What a deployment marks its pictures with. All of it comes from the one secret of receipts. */
export interface MarkingKeys {
  /** Verifies receipts: Ed25519, base64url, 32 bytes. */
  readonly publicKey: string;
  /** Says in a watermark whose it is: the first 2 bytes of the public key's SHA-256. */
  readonly deployment: Uint8Array;
  /** Makes the part of a watermark that stands for the receipt. */
  readonly watermarkKey: Uint8Array;
  /** Ed25519, base64. */
  signReceipt(serialized: string): string;
}

const known = new Map<string, MarkingKeys>();
/** A process serves one deployment; a test, a few. */
const MOST_KNOWN = 8;

/** @param secret the secret of receipts, 16 bytes or more */
export function markingKeysOf(secret: Uint8Array): MarkingKeys {
  const id = sha256Hex(secret);
  const kept = known.get(id);
  if (kept !== undefined) return kept;
  if (known.size >= MOST_KNOWN) known.clear();
  const made = makeKeys(secret);
  known.set(id, made);
  return made;
}

function makeKeys(secret: Uint8Array): MarkingKeys {
  const privateKey = ed25519Key(deriveKey(secret, 'receipt signature'));
  const { x: publicKey = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return {
    publicKey,
    deployment: deploymentMark(publicKey),
    watermarkKey: deriveKey(secret, 'watermark'),
    signReceipt: (serialized) => sign(null, Buffer.from(serialized), privateKey).toString('base64'),
  };
}

/** 32 bytes of a secret's own for one purpose (HKDF's expansion, RFC 5869, of one block). */
export function deriveKey(secret: Uint8Array, purpose: string): Uint8Array {
  return hmacSha256(secret, `onestep ${purpose}\u0001`);
}

/** The 2 bytes of a deployment in its watermarks. */
export function deploymentMark(publicKey: string): Uint8Array {
  return Buffer.from(sha256Hex(Buffer.from(publicKey, 'base64url')).slice(0, 4), 'hex');
}

/** @param publicKey Ed25519, base64url, 32 bytes */
export function receiptVerifier(publicKey: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
}

/** PKCS #8's frame around the seed of an Ed25519 key (RFC 8410, section 7). */
const ED25519_FRAME = Buffer.from('302e020100300506032b657004220420', 'hex');

function ed25519Key(seed: Uint8Array): KeyObject {
  const key = Buffer.concat([ED25519_FRAME, seed]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}
