import { FormatError } from '#shared/core/errors.ts';
import type { Manifest } from './manifest.ts';
import type { Repository } from './repository.ts';
import { readSpecialTokens } from './special-tokens.ts';
import { readTokenizerFiles } from './tokenizer-files.ts';

const SETTINGS = ['tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json'];

/** Files of a tokenizer folder that go into a package. */
export function tokenizerFiles(repository: Repository, folder: string): string[] {
  const words = repository.has(folder, 'vocab.json')
    ? ['vocab.json', 'merges.txt']
    : ['tokenizer.json'];
  return [...words, ...SETTINGS.filter((name) => repository.has(folder, name))];
}

/**
 * What the pipeline needs to know about a CLIP tokenizer beyond its vocabulary and merges.
 *
 * @param limits the text encoder's: positions per text, and the size of its vocabulary
 * @throws AppError, FormatError naming the file that is missing or wrong
 */
export function readTokenizerFacts(
  repository: Repository,
  folder: string,
  limits: { positions: number; vocabulary: number },
): Manifest['text']['tokenizers'][number] {
  const path = repository.pathOf(folder);
  const { vocabulary, vocabularyFile, added } = readTokenizerFiles(path);
  const { begin, end, pad, maxLength } = readSpecialTokens(path, added);
  const idOf = (token: string): number => {
    const id = vocabulary.get(token);
    if (id === undefined) throw new FormatError(vocabularyFile, `has no id for "${token}"`);
    if (id < limits.vocabulary) return id;
    throw new FormatError(vocabularyFile, `gives "${token}" an id that the text encoder lacks`);
  };
  for (const { content } of added) idOf(content);
  return {
    folder,
    bosId: idOf(begin),
    eosId: idOf(end),
    padId: idOf(pad),
    maxLength: Math.min(maxLength, limits.positions),
  };
}
