import { UNKNOWN_WORD_CHARS, UNNORMALIZED } from './unicode-ages.ts';

/**
 * How CLIP's tokenizer prepares text: NFC, lower case, pieces. The rules are those of the `tokenizers`
 * library under transformers' CLIPTokenizer.
 */

/** Oniguruma's `\s`: unlike JavaScript's it has U+0085 and not U+FEFF. */
const SPACE = '\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const LETTER = `[\\p{L}--[${UNKNOWN_WORD_CHARS}]]`;
const NUMBER = `[\\p{N}--[${UNKNOWN_WORD_CHARS}]]`;

const PIECES = new RegExp(
  `<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|${LETTER}+|${NUMBER}|[^[${SPACE}]${LETTER}${NUMBER}]+`,
  'gv',
);
const SPECIAL_PIECE = /^(<\|)(startoftext|endoftext)(\|>)$/;

// With a group that matches one character, `split` returns it as a part of its own.
const UNNORMALIZED_CHAR = new RegExp(`([${UNNORMALIZED}])`, 'v');

/** A stretch of text that becomes tokens by itself, and where it starts (UTF-16 units). */
export interface Piece {
  readonly text: string;
  readonly start: number;
}

/**
 * Normal form and lower case. One code point at a time, so that a capital sigma at the end of a word
 * becomes σ as in the reference, not ς as JavaScript's `toLowerCase` of the whole text would have it.
 */
export function normalizeText(text: string): string {
  let lower = '';
  for (const part of text.split(UNNORMALIZED_CHAR)) {
    for (const char of part.normalize('NFC')) lower += char.toLowerCase();
  }
  return lower;
}

/** The pieces of normalized text, in order, without white space. */
export function splitPieces(normalized: string): Piece[] {
  const pieces: Piece[] = [];
  for (const match of normalized.matchAll(PIECES)) {
    let start = match.index;
    // The byte-level step splits a marker again unless it is a special token of this tokenizer.
    const parts = SPECIAL_PIECE.exec(match[0])?.slice(1) ?? [match[0]];
    for (const text of parts) {
      pieces.push({ text, start });
      start += text.length;
    }
  }
  return pieces;
}

const OUTER_SPACE = new RegExp(`^[${SPACE}]+|(?<![${SPACE}])[${SPACE}]+$`, 'gv');

/** Text without surrounding white space; what becomes a token stays, such as U+FEFF. */
export const trimSpace = (text: string): string => text.replace(OUTER_SPACE, '');

/**
 * The place in `raw` of the character at `index` of `normalizeText(raw)`. Exact if the text normalizes
 * cluster by cluster; otherwise the start of the text.
 */
export function sourceIndex(raw: string, index: number): number {
  let length = 0;
  for (const match of raw.matchAll(/[\s\S][\p{M}\u1160-\u11ff]*/gu)) {
    length += normalizeText(match[0]).length;
    if (length > index) return match.index;
  }
  return length === index ? raw.length : 0;
}

/** GPT-2's printable stand-in for each byte: itself if it is a visible Latin-1 character. */
const BYTE_ALPHABET: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const visible = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  if (visible(byte)) return String.fromCharCode(byte);
  let rank = 0;
  for (let b = 0; b < byte; b++) if (!visible(b)) rank++;
  return String.fromCharCode(256 + rank);
});

/** A piece's UTF-8 bytes in the alphabet of the vocabulary, one character per byte. */
export function toByteSymbols(piece: string): string {
  let symbols = '';
  for (const byte of Buffer.from(piece, 'utf8')) symbols += BYTE_ALPHABET[byte];
  return symbols;
}

/** The UTF-16 index of the character of `piece` that holds its UTF-8 byte number `byteIndex`. */
export function indexOfByte(piece: string, byteIndex: number): number {
  let bytes = 0;
  let index = 0;
  for (const char of piece) {
    bytes += Buffer.byteLength(char);
    if (bytes > byteIndex) return index;
    index += char.length;
  }
  return index;
}
