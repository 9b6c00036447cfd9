import { equalInConstantTime, hmacSha256 } from './hash.ts';

/**
 * What an image says about how it was made. It depends on the request, the model and the pixels alone
 * (no id, no time), so that equal requests give equal files.
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
  readonly pixels_sha256: string;
}

/** The receipt as one line of JSON in a fixed order of members: what is embedded and signed. */
export function serializeReceipt(receipt: EmbeddedReceipt): string {
  const { engine, model, prompt, seed, width, height, format, quality, decoder, pixels_sha256 } =
    receipt;
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
  };
  // XML knows no U+FFFE and U+FFFF; JSON escapes the other characters that it lacks.
  return JSON.stringify(ordered).replace(/[\ufffe\uffff]/g, (char) =>
    char === '\ufffe' ? '\\ufffe' : '\\uffff',
  );
}

/** HMAC-SHA256 over the serialized receipt, base64. */
export function signReceipt(serialized: string, key: Uint8Array): string {
  return hmacSha256(key, serialized).toString('base64');
}

/** Whether the signature belongs to the receipt and the key. */
export function verifyReceipt(serialized: string, signature: string, key: Uint8Array): boolean {
  return equalInConstantTime(signReceipt(serialized, key), signature);
}
