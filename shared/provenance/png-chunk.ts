import { crc32 } from 'node:zlib';

/** The signature, and IHDR's length, type, 13 bytes of content and checksum: other chunks come behind. */
export const PNG_HEADER_BYTES = 8 + 4 + 4 + 13 + 4;

export function pngChunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(content.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

const SIGNATURE_BYTES = 8;
/** A chunk's length, type and checksum. */
const FRAME_BYTES = 12;

/** Whether a PNG has a chunk of this type. */
export function hasPngChunk(file: Uint8Array, type: string): boolean {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  for (let at = SIGNATURE_BYTES; at + FRAME_BYTES <= bytes.length; ) {
    if (bytes.toString('latin1', at + 4, at + 8) === type) return true;
    at += FRAME_BYTES + bytes.readUInt32BE(at);
  }
  return false;
}
