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
