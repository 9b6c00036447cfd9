import { join } from 'node:path';
import { z } from 'zod';
import { AppError, FormatError } from '#shared/core/errors.ts';
import { isRecord, parseFields, parseJson, readOptionalText } from '#shared/engine/bytes/json.ts';

/** A token that is looked for in the text before the text is cut into words. */
const AddedTokenSchema = z.object({
  id: z.number().int().min(0),
  content: z.string(),
  normalized: z.boolean().default(false),
});

type AddedToken = z.infer<typeof AddedTokenSchema>;

/** The words of a CLIP tokenizer's folder. */
export interface TokenizerFiles {
  /** Token text → id. */
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly vocabularyFile: string;
  /** Pairs to merge, in order of rank. */
  readonly merges: readonly (readonly [string, string])[];
  readonly mergesFile: string;
  /** Tokens beyond the vocabulary, special ones among them. */
  readonly added: readonly AddedToken[];
}

/**
 * Reads a tokenizer's vocabulary and merge rules from `vocab.json` and `merges.txt`, or from the
 * `tokenizer.json` that transformers 5 saves instead of both.
 *
 * @throws AppError `file-not-found`, FormatError naming the file at fault
 */
export function readTokenizerFiles(folder: string): TokenizerFiles {
  const vocabularyFile = join(folder, 'vocab.json');
  const text = readOptionalText(vocabularyFile);
  if (text === undefined) return readWhole(folder, vocabularyFile);
  const mergesFile = join(folder, 'merges.txt');
  const rules = readOptionalText(mergesFile);
  if (rules === undefined) throw notFound(mergesFile, 'merges.txt');
  const added = readAdded(folder);
  const vocabulary = new Map(checkVocabulary(vocabularyFile, parseJson(text, vocabularyFile)));
  for (const { content, id } of added) vocabulary.set(content, vocabulary.get(content) ?? id);
  return {
    vocabulary,
    vocabularyFile,
    merges: parseMerges(mergesFile, rules),
    mergesFile,
    added,
  };
}

const ConfigSchema = z.object({
  added_tokens_decoder: z.record(z.string(), AddedTokenSchema.omit({ id: true })).default({}),
});

/**
 * Tokens that textual inversion added: as transformers 4.34 and later save them in
 * `tokenizer_config.json`, and as earlier ones do in `added_tokens.json`.
 */
function readAdded(folder: string): readonly AddedToken[] {
  const read = (name: string) => {
    const file = join(folder, name);
    return { file, json: parseJson(readOptionalText(file) ?? '{}', file) };
  };
  const { file, json } = read('tokenizer_config.json');
  const { added_tokens_decoder: decoder } = parseFields(ConfigSchema, json, file);
  const former = read('added_tokens.json');
  const ids = checkVocabulary(former.file, former.json);
  return [
    ...[...ids].map(([content, id]) => ({ id, content, normalized: true })),
    ...Object.entries(decoder).map(([id, token]) => ({ id: Number(id), ...token })),
  ];
}

const Model = z.object({
  type: z.literal('BPE').default('BPE'),
  end_of_word_suffix: z.literal('</w>'),
  // Checked by hand: a schema takes a third of a second for fifty thousand entries.
  vocab: z.unknown(),
  merges: z.unknown(),
});
const WholeSchema = z.object({ model: Model, added_tokens: z.array(AddedTokenSchema).default([]) });

function readWhole(folder: string, missing: string): TokenizerFiles {
  const file = join(folder, 'tokenizer.json');
  const text = readOptionalText(file);
  if (text === undefined) {
    throw notFound(missing, 'vocab.json and merges.txt, or tokenizer.json');
  }
  const parsed = WholeSchema.safeParse(parseJson(text, file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join('.') ?? '';
    throw new FormatError(file, `is not CLIP's tokenizer: "${path}": ${issue?.message}`);
  }
  const { model, added_tokens: added } = parsed.data;
  const vocabulary = new Map(checkVocabulary(file, model.vocab));
  for (const { content, id } of added) vocabulary.set(content, vocabulary.get(content) ?? id);
  return {
    vocabulary,
    vocabularyFile: file,
    merges: checkMerges(file, model.merges),
    mergesFile: file,
    added,
  };
}

function checkVocabulary(file: string, json: unknown): ReadonlyMap<string, number> {
  const isEntry = (entry: [string, unknown]): entry is [string, number] =>
    Number.isSafeInteger(entry[1]) && (entry[1] as number) >= 0;
  const entries = isRecord(json) ? Object.entries(json) : [];
  if (isRecord(json) && entries.every(isEntry)) return new Map(entries);
  throw new FormatError(file, 'expected one object of token texts and whole-number ids');
}

function parseMerges(file: string, text: string): [string, string][] {
  const rules: [string, string][] = [];
  for (const [number, line] of text.split(/\r?\n/).entries()) {
    if (line === '' || (number === 0 && line.startsWith('#version'))) continue;
    const pair = asPair(line);
    if (pair === undefined) {
      throw new FormatError(file, `line ${number + 1} is not a pair: "${line}"`);
    }
    rules.push(pair);
  }
  return rules;
}

/** A rule in `tokenizer.json` is a list of two texts or, in older files, a line as in merges.txt. */
function checkMerges(file: string, json: unknown): [string, string][] {
  if (!Array.isArray(json)) throw new FormatError(file, '"model.merges" is not a list');
  return json.map((rule: unknown, index) => {
    const pair = asPair(rule);
    if (pair !== undefined) return pair;
    throw new FormatError(file, `"model.merges.${index}" is not a pair`);
  });
}

function asPair(rule: unknown): [string, string] | undefined {
  const parts: unknown = typeof rule === 'string' ? rule.split(' ') : rule;
  if (!Array.isArray(parts) || parts.length !== 2) return undefined;
  const [left, right] = parts;
  return typeof left === 'string' && typeof right === 'string' ? [left, right] : undefined;
}

const notFound = (file: string, wanted: string) =>
  new AppError(
    'file-not-found',
    `${file}: there is no such file; a tokenizer folder has ${wanted}.`,
    {
      details: { file },
    },
  );
