import { AppError } from '#shared/core/errors.ts';

/** Why a prompt is not taken; undefined when it is. */
export type PromptCheck = (prompt: string) => string | undefined;

const REGEX = /^\/(.+)\/([a-z]*)$/s;

/**
 * A check of prompts against terms. A term is a word or a phrase, found as whole words in any case,
 * width and spacing; `/…/` is a regular expression, found anywhere and in any case.
 *
 * @throws AppError `invalid-request` that names the term which is no regular expression
 */
export function createBlockList(terms: readonly string[]): PromptCheck {
  const patterns = terms.map(toPattern);
  return (prompt) => {
    const text = normalise(prompt);
    for (const pattern of patterns) {
      const found = pattern.exec(text)?.[0];
      if (found !== undefined) {
        return `The prompt asks for something that this service does not make ("${found.trim()}").`;
      }
    }
    return undefined;
  };
}

/** Terms of a list with one on each line; empty lines and those that begin with `#` say nothing. */
export function parseBlockList(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function toPattern(term: string): RegExp {
  const [, source, flags = ''] = REGEX.exec(term) ?? [];
  if (source === undefined) return wholeWords(term);
  try {
    return new RegExp(source, [...new Set(`${flags}iu`)].filter((f) => !'gy'.includes(f)).join(''));
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('invalid-request', `The block list's ${term} does not work: ${problem}.`, {
      cause,
    });
  }
}

/** Scripts that put no spaces between words: there, a term is found anywhere. */
const SPACELESS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/** Letters and digits on neither side, so that "ass" is not found in "classic". */
function wholeWords(term: string): RegExp {
  const words = normalise(term)
    .trim()
    .split(/\s+/)
    .map((word) => word.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  const source = words.join('[\\s\\p{P}]+');
  if (SPACELESS.test(term)) return new RegExp(source, 'iu');
  return new RegExp(`(?<![\\p{L}\\p{N}])${source}(?![\\p{L}\\p{N}])`, 'iu');
}

/** Full-width and other compatible forms as plain letters; what can't be seen is left out. */
function normalise(text: string): string {
  return text.normalize('NFKC').replaceAll(/\p{Cf}/gu, '');
}
