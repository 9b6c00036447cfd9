import { assert } from '#shared/core/errors.ts';
import { PNG_HEADER_BYTES, pngChunk } from '#shared/provenance/png-chunk.ts';

/**
 * A PNG with one more text chunk, right after its header: `tEXt` if the text is Latin-1, `iTXt`
 * (UTF-8) otherwise (https://www.w3.org/TR/png-3/#11textinfo).
 *
 * @param keyword 1 to 79 Latin-1 characters
 */
export function withPngText(png: Uint8Array, keyword: string, text: string): Uint8Array {
  assert(
    Buffer.from(png.buffer, png.byteOffset, png.length).toString('latin1', 12, 16) === 'IHDR',
    'a PNG begins with its header',
  );
  // Neither kind of chunk can hold a zero, which terminates the keyword.
  const clean = text.replaceAll('\0', '\ufffd');
  const chunk = isLatin1(clean)
    ? pngChunk('tEXt', Buffer.from(`${keyword}\0${clean}`, 'latin1'))
    : pngChunk('iTXt', Buffer.from(`${keyword}\0\0\0\0\0${clean}`, 'utf8'));
  return Buffer.concat([png.subarray(0, PNG_HEADER_BYTES), chunk, png.subarray(PNG_HEADER_BYTES)]);
}

function isLatin1(text: string): boolean {
  return /^[\n\x20-\x7e\xa0-\xff]*$/.test(text);
}
