import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, FormatError } from '#shared/core/errors.ts';

/** A token that is looked for in the text before any word is cut. */
const AddedTokenSchema = z.object({
  id: z.number().int().min(0),
  content: z.string(),
  normalized: z.boolean().default(false),
});

/** What a CLIP tokenizer's folder says of its words. */
export interface TokenizerFiles {
  /** Token text → id. */
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly vocabularyFile: string;
  /** The pairs that merge, in order of rank. */
  readonly merges: readonly (readonly [string, string])[];
  readonly mergesFile: string;
  /** Only from a `tokenizer.json`; the other files name theirs in `tokenizer_config.json`. */
  readonly added: readonly z.infer<typeof AddedTokenSchema>[];
}

/**
 * Reads a tokenizer's vocabulary and merge rules from `vocab.json` and `merges.txt`, or, where there
 * is no vocabulary, from the `tokenizer.json` that transformers 5 saves in place of both.
 *
 * @throws AppError `file-not-found`, FormatError naming the file at fault
 */
export function readTokenizerFiles(folder: string): TokenizerFiles {
  const vocabularyFile = join(folder, 'vocab.json');
  const text = readText(vocabularyFile);
  if (text === undefined) return readWhole(folder, vocabularyFile);
  const mergesFile = join(folder, 'merges.txt');
  const rules = readText(mergesFile);
  if (rules === undefined) throw notFound(mergesFile, 'merges.txt');
  return {
    vocabulary: checkVocabulary(vocabularyFile, parseJson(vocabularyFile, text)),
    vocabularyFile,
    merges: parseMerges(mergesFile, rules),
    mergesFile,
    added: [],
  };
}

const Model = z.object({
  type: z.literal('BPE').default('BPE'),
  end_of_word_suffix: z.literal('</w>'),
  // Checked by hand: fifty thousand entries through a schema take a third of a second.
  vocab: z.unknown(),
  merges: z.unknown(),
});
const WholeSchema = z.object({ model: Model, added_tokens: z.array(AddedTokenSchema).default([]) });

function readWhole(folder: string, missing: string): TokenizerFiles {
  const file = join(folder, 'tokenizer.json');
  const text = readText(file);
  if (text === undefined) {
    throw notFound(missing, 'vocab.json and merges.txt, or tokenizer.json');
  }
  const parsed = WholeSchema.safeParse(parseJson(file, text));
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
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  const entries: [string, unknown][] = isObject ? Object.entries(json as object) : [];
  const isEntry = (entry: [string, unknown]): entry is [string, number] =>
    Number.isSafeInteger(entry[1]) && (entry[1] as number) >= 0;
  if (!isObject || !entries.every(isEntry)) {
    throw new FormatError(file, 'expected one object of token texts and whole-number ids');
  }
  return new Map(entries);
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

/** In a `tokenizer.json` a rule is a list of two texts or, in older ones, a line as in merges.txt. */
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

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FormatError(file, 'this is not JSON', { cause });
  }
}

/** The file's text; undefined where there is no such file. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AppError('file-not-found', `${file} cannot be read.`, { cause, details: { file } });
  }
}

const notFound = (file: string, wanted: string) =>
  new AppError(
    'file-not-found',
    `${file}: there is no such file; a tokenizer folder has ${wanted}.`,
    {
      details: { file },
    },
  );
