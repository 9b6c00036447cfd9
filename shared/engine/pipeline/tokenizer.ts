import { FormatError } from '#shared/core/errors.ts';
import { readSpecialTokens, type SpecialToken } from '#shared/engine/package/special-tokens.ts';
import { readTokenizerFiles, type TokenizerFiles } from '#shared/engine/package/tokenizer-files.ts';
import { type BytePairVocabulary, encodeWord, rankMerges } from './byte-pair-encoding.ts';
import {
  indexOfByte,
  normalizeText,
  type Piece,
  sourceIndex,
  splitPieces,
  toByteSymbols,
  trimSpace,
} from './clip-text.ts';

export interface Encoding {
  /** The start mark, as many of the prompt's tokens as fit, the end mark; not padded. */
  readonly ids: number[];
  /** How many tokens the whole prompt has, including both marks. */
  readonly tokens: number;
  /** The end of the prompt that did not fit, as typed; empty if all of it did. */
  readonly cut: string;
}

export interface Tokenizer {
  /** Length of a padded sequence: 77. */
  readonly length: number;
  readonly padId: number;
  encode(text: string): Encoding;
  /** `ids` padded to the tokenizer's length, as int32 for the graph. */
  pad(ids: readonly number[]): Int32Array;
}

/** A stretch of the prompt: typed text, or a special token within it. */
interface Segment {
  readonly text: string;
  readonly start: number;
  readonly special: boolean;
}

/** A token, and how to find where it starts in the prompt. */
interface PlacedToken {
  readonly id: number;
  readonly start: () => number;
}

/**
 * Loads a CLIP tokenizer from a folder with `vocab.json` and `merges.txt`, or `tokenizer.json`, and
 * optionally `tokenizer_config.json` and `special_tokens_map.json`. Its ids equal those of
 * transformers' CLIPTokenizer.
 *
 * @throws AppError `file-not-found`, FormatError for a vocabulary that contradicts itself
 */
export function loadTokenizer(folder: string): Tokenizer {
  const files = readTokenizerFiles(folder);
  const specials = readSpecialTokens(folder, files.added);
  const vocabulary = rankVocabulary(files, specials.unknown);
  const idOf = (content: string): number => {
    const id = vocabulary.ids.get(content);
    if (id !== undefined) return id;
    throw new FormatError(files.vocabularyFile, `has no token "${content}"`);
  };
  const beginId = idOf(specials.begin);
  const endId = idOf(specials.end);
  const padId = idOf(specials.pad);
  const length = specials.maxLength;
  const typed = specials.all.filter((token) => !token.normalized);
  const normalized = specials.all
    .filter((token) => token.normalized)
    .map((token) => ({ ...token, content: normalizeText(token.content) }));

  const tokensOf = (text: string): PlacedToken[] =>
    splitAt(text, typed).flatMap((outer) => {
      if (outer.special) return [{ id: idOf(outer.text), start: () => outer.start }];
      const source = (index: number) => outer.start + sourceIndex(outer.text, index);
      return splitAt(normalizeText(outer.text), normalized).flatMap((inner) => {
        if (!inner.special) return encodePieces(inner, vocabulary, source);
        return [{ id: idOf(inner.text), start: () => source(inner.start) }];
      });
    });

  return {
    length,
    padId,
    encode(text) {
      const tokens = tokensOf(text);
      const room = length - 2;
      const firstLost = tokens[room];
      return {
        ids: [beginId, ...tokens.slice(0, room).map((token) => token.id), endId],
        tokens: tokens.length + 2,
        cut: firstLost === undefined ? '' : trimSpace(text.slice(firstLost.start())),
      };
    },
    pad(ids) {
      return Int32Array.from({ length }, (_, i) => ids[i] ?? padId);
    },
  };
}

/** Cuts text around special tokens: the leftmost first, and of several there the longest. */
function splitAt(text: string, tokens: readonly SpecialToken[]): Segment[] {
  if (tokens.length === 0) return [{ text, start: 0, special: false }];
  const escaped = tokens
    .map((token) => token.content)
    .sort((a, b) => b.length - a.length)
    .map((content) => content.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const segments: Segment[] = [];
  let end = 0;
  for (const match of text.matchAll(new RegExp(escaped.join('|'), 'gu'))) {
    segments.push({ text: text.slice(end, match.index), start: end, special: false });
    segments.push({ text: match[0], start: match.index, special: true });
    end = match.index + match[0].length;
  }
  segments.push({ text: text.slice(end), start: end, special: false });
  return segments;
}

function encodePieces(
  segment: Segment,
  vocabulary: BytePairVocabulary,
  source: (index: number) => number,
): PlacedToken[] {
  return splitPieces(segment.text).flatMap((piece: Piece) => {
    let bytes = 0;
    return encodeWord(toByteSymbols(piece.text), vocabulary).map((token): PlacedToken => {
      const firstByte = bytes;
      bytes += token.length;
      return {
        id: token.id,
        start: () => source(segment.start + piece.start + indexOfByte(piece.text, firstByte)),
      };
    });
  });
}

function rankVocabulary(files: TokenizerFiles, unknown: string): BytePairVocabulary {
  const { vocabulary: ids, vocabularyFile, merges: rules, mergesFile } = files;
  const unknownId = ids.get(unknown);
  if (unknownId === undefined) throw new FormatError(vocabularyFile, `has no token "${unknown}"`);
  const ranked = rankMerges(ids, rules);
  if ('unknownRule' in ranked) {
    throw new FormatError(
      mergesFile,
      `the rule "${ranked.unknownRule}" names a token that the vocabulary lacks`,
    );
  }
  return { ids, merges: ranked.merges, unknownId };
}
