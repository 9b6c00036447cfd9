import { verify } from 'node:crypto';
import { equalInConstantTime, hmacSha256 } from './hash.ts';
import { type MarkingKeys, markingKeysOf, receiptVerifier } from './marking-keys.ts';

/**
 * What an image says about how it was made. It depends on the request, the model and the pixels alone
 * (no id, no time), so that equal requests give equal receipts.
 */
export interface EmbeddedReceipt {
  readonly engine: string;
  readonly model: { readonly name: string; readonly digest: string };
  /** The prompt; its SHA-256 as `sha256:…` where it would not fit into a file's metadata. */
  readonly prompt: string;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly quality: number;
  /** The decoder, unless it was the model's own. */
  readonly decoder?: 'draft' | undefined;
  /** The model's own pixels. */
  readonly pixels_sha256: string;
  /** The pixels that the file decodes to; absent in receipts from before watermarks. */
  readonly delivered_sha256?: string | undefined;
}

/** The receipt as one line of JSON in a fixed order of members: what is embedded and signed. */
export function serializeReceipt(receipt: EmbeddedReceipt): string {
  const { engine, model, prompt, seed, width, height, format, quality, decoder } = receipt;
  const { pixels_sha256, delivered_sha256 } = receipt;
  const ordered = {
    engine,
    model: { name: model.name, digest: model.digest },
    prompt,
    seed,
    width,
    height,
    format,
    quality,
    // Left out where it is undefined.
    decoder,
    pixels_sha256,
    // JSON leaves out what is undefined: receipts from before watermarks keep their signatures.
    delivered_sha256,
  };
  // XML knows no U+FFFE and U+FFFF; JSON escapes the other characters that it lacks.
  return JSON.stringify(ordered).replace(/[\ufffe\uffff]/g, (char) =>
    char === '\ufffe' ? '\\ufffe' : '\\uffff',
  );
}

/** The Ed25519 signature of the serialized receipt, base64. Equal receipts have equal signatures. */
export function signReceipt(serialized: string, key: Uint8Array): string {
  return markingKeysOf(key).signReceipt(serialized);
}

/**
 * Whether the signature belongs to the receipt and the deployment's key. Signatures from before key
 * pairs, HMAC-SHA256, are known too.
 */
export function verifyReceipt(serialized: string, signature: string, key: Uint8Array): boolean {
  const mac = hmacSha256(key, serialized).toString('base64');
  if (signature.length === mac.length) return equalInConstantTime(mac, signature);
  return verifyPublicly(serialized, signature, markingKeysOf(key).publicKey);
}

/**
 * Whether the signature belongs to the receipt and to the public key that `/.well-known/onestep.json`
 * gives. It needs no secret and no server.
 *
 * @param publicKey Ed25519, base64url, 32 bytes
 */
export function verifyPublicly(serialized: string, signature: string, publicKey: string): boolean {
  return verify(
    null,
    Buffer.from(serialized),
    receiptVerifier(publicKey),
    Buffer.from(signature, 'base64'),
  );
}

/** What a watermark carries: 2 bytes of the deployment, 4 of an HMAC over the receipt. */
export function watermarkPayload(receipt: EmbeddedReceipt, keys: MarkingKeys): Uint8Array {
  // The mark can't speak of the pixels that it makes.
  const serialized = serializeReceipt({ ...receipt, delivered_sha256: undefined });
  const mac = hmacSha256(keys.watermarkKey, serialized);
  return Uint8Array.from([...keys.deployment, ...mac.subarray(0, 4)]);
}
