import type { EmbeddedReceipt } from '#shared/core/embedded-receipt.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import { ENGINE_VERSION } from './engine-version.ts';
import { escapeXml, MAX_PACKET_BYTES } from './image-metadata.ts';

export interface ReceiptFacts
  extends Omit<EmbeddedReceipt, 'engine' | 'pixels_sha256' | 'delivered_sha256'> {
  /** uint8 RGB, row by row. */
  readonly pixels: Uint8Array;
}

/** Makes the receipt of one image, before its pixels are marked. */
export function createEmbeddedReceipt(facts: ReceiptFacts): EmbeddedReceipt {
  const { pixels, prompt, ...rest } = facts;
  return {
    engine: `onestep ${ENGINE_VERSION}`,
    ...rest,
    prompt: fitsMetadata(prompt) ? prompt : `sha256:${sha256Hex(prompt)}`,
    pixels_sha256: sha256Hex(pixels),
  };
}

/** Leaves room for everything else. A character can grow sixfold in JSON and fivefold in XML. */
const MAX_PROMPT_BYTES = MAX_PACKET_BYTES - 3000;

function fitsMetadata(prompt: string): boolean {
  return Buffer.byteLength(escapeXml(JSON.stringify(prompt))) <= MAX_PROMPT_BYTES;
}
