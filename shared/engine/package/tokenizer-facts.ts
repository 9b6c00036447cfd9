import { z } from 'zod';
import { FormatError } from '#shared/core/errors.ts';
import type { Manifest } from './manifest.ts';
import type { Repository } from './repository.ts';
import { readTokenizerFiles } from './tokenizer-files.ts';

const SETTINGS = ['tokenizer_config.json', 'special_tokens_map.json'];

/** Files of a tokenizer folder that a package takes over. */
export function tokenizerFiles(repository: Repository, folder: string): string[] {
  const words = repository.has(folder, 'vocab.json')
    ? ['vocab.json', 'merges.txt']
    : ['tokenizer.json'];
  return [...words, ...SETTINGS.filter((name) => repository.has(folder, name))];
}

/** A special token is its text, or an object that has it. */
const Token = z.union([
  z.string(),
  z.object({ content: z.string() }).transform(({ content }) => content),
]);

/** Fields of `tokenizer_config.json` and `special_tokens_map.json`. */
const SettingsSchema = z.object({
  bos_token: Token.optional(),
  eos_token: Token.optional(),
  pad_token: Token.optional(),
  model_max_length: z.number().positive().optional(),
});

/** Defaults of transformers' `CLIPTokenizer`. */
const DEFAULTS = {
  bos_token: '<|startoftext|>',
  eos_token: '<|endoftext|>',
  pad_token: '<|endoftext|>',
  model_max_length: 77,
};

/**
 * What the pipeline needs to know of a CLIP tokenizer beyond its vocabulary and merges.
 *
 * @param limits the text encoder's: positions per text, and the size of its vocabulary
 * @throws AppError, FormatError naming the file that is missing or wrong
 */
export function readTokenizerFacts(
  repository: Repository,
  folder: string,
  limits: { positions: number; vocabulary: number },
): Manifest['text']['tokenizers'][number] {
  const { vocabulary, vocabularyFile: path } = readTokenizerFiles(repository.pathOf(folder));
  const settings = {
    ...DEFAULTS,
    ...readSettings(repository, folder, 'special_tokens_map.json'),
    ...readSettings(repository, folder, 'tokenizer_config.json'),
  };
  const idOf = (token: string): number => {
    const id = vocabulary.get(token);
    if (id === undefined) throw new FormatError(path, `has no id for "${token}"`);
    if (id < limits.vocabulary) return id;
    throw new FormatError(path, `gives "${token}" an id that the text encoder does not have`);
  };
  return {
    folder,
    bosId: idOf(settings.bos_token),
    eosId: idOf(settings.eos_token),
    padId: idOf(settings.pad_token),
    maxLength: Math.min(settings.model_max_length, limits.positions),
  };
}

function readSettings(
  repository: Repository,
  folder: string,
  name: string,
): Partial<typeof DEFAULTS> {
  if (!repository.has(folder, name)) return {};
  const parsed = SettingsSchema.safeParse(repository.readJson(folder, name));
  if (parsed.success) {
    const given = Object.entries(parsed.data).filter(([, value]) => value !== undefined);
    return Object.fromEntries(given);
  }
  const [issue] = parsed.error.issues;
  throw new FormatError(
    repository.pathOf(folder, name),
    `"${issue?.path.join('.')}": ${issue?.message}`,
  );
}
