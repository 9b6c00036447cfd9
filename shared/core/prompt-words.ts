/** Words that say nothing about what is in the picture: small words, and those for the picture itself. */
const SMALL = new Set(
  `a an the of in on at by to as is are be am and or but with without for from near next into onto over under above
  below behind beside between among around through across against along it its this that these those some any my your
  his her their our one there where while who which i me you we they please make draw show create generate give want
  photo photograph picture image painting drawing illustration portrait sketch scene view background`.split(
    /\s+/,
  ),
);
/** A word of any script; what is joined by a hyphen is two. */
const WORD = /\p{L}+(?:['’]\p{L}+)*/gu;

/** What a model with a small vocabulary makes of a prompt. */
export interface PromptWords {
  /** The prompt's words that change nothing, each once, in lower case, in the prompt's order. */
  readonly unknown: readonly string[];
  /** How many of its words the model knows. */
  readonly known: number;
}

/**
 * Sorts a prompt's words by a model's vocabulary. Small words (“a”, “photo of”) count as neither.
 *
 * @param vocabulary the model's `words`, in lower case
 */
export function readPrompt(prompt: string, vocabulary: Iterable<string>): PromptWords {
  const words = new Set(vocabulary);
  const said = (prompt.toLowerCase().match(WORD) ?? []).map((word) => word.replace(/['’]s$/, ''));
  const telling = said.filter((word) => !SMALL.has(word) || words.has(word));
  return {
    unknown: [...new Set(telling.filter((word) => !words.has(word)))],
    known: telling.filter((word) => words.has(word)).length,
  };
}

/** At most so many words are named. */
const NAMED = 8;

/** “astronaut”, “riding” and 3 more. */
export function nameWords(words: readonly string[]): string {
  const quoted = words.slice(0, NAMED).map((word) => `“${word.slice(0, 40)}”`);
  if (words.length > NAMED) return `${quoted.join(', ')} and ${words.length - NAMED} more`;
  const last = quoted.pop() ?? '';
  return quoted.length === 0 ? last : `${quoted.join(', ')} and ${last}`;
}
