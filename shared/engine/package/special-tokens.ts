import { join } from 'node:path';
import { z } from 'zod';
import { parseFields, parseJson, readOptionalText } from '#shared/engine/bytes/json.ts';

/** A token that is looked for in the text itself, before the text is cut into words. */
export interface SpecialToken {
  readonly content: string;
  /** Looked for after normalization, so in upper and lower case alike; otherwise as typed. */
  readonly normalized: boolean;
}

export interface SpecialTokens {
  readonly begin: string;
  readonly end: string;
  readonly unknown: string;
  readonly pad: string;
  readonly all: readonly SpecialToken[];
  /** Length of a padded sequence. */
  readonly maxLength: number;
}

const BEGIN = '<|startoftext|>';
const END = '<|endoftext|>';
/** CLIP's context length. */
const DEFAULT_LENGTH = 77;

const TokenSchema = z.union([
  z.string().transform((content) => ({ content, normalized: false })),
  z.object({ content: z.string(), normalized: z.boolean().default(false) }),
]);
const NamedSchema = z.object({
  bos_token: TokenSchema.optional(),
  eos_token: TokenSchema.optional(),
  unk_token: TokenSchema.optional(),
  pad_token: TokenSchema.optional(),
});
const ConfigSchema = NamedSchema.extend({
  model_max_length: z.number().positive().optional(),
  added_tokens_decoder: z
    .record(z.string(), z.object({ content: z.string(), normalized: z.boolean().default(false) }))
    .optional(),
});

/**
 * Reads `tokenizer_config.json` and, for what it leaves out, `special_tokens_map.json`. Missing files
 * and fields take the defaults of transformers' CLIPTokenizer.
 *
 * The pad is a special token too: SDXL's second tokenizer pads with `!`, so every `!` in a prompt
 * becomes the padding token there, as it does in diffusers.
 *
 * @param added the special tokens of a `tokenizer.json`, which override the others
 */
export function readSpecialTokens(
  folder: string,
  added: readonly SpecialToken[] = [],
): SpecialTokens {
  const config = readOptional(join(folder, 'tokenizer_config.json'), ConfigSchema);
  const map = readOptional(join(folder, 'special_tokens_map.json'), NamedSchema);
  const token = (name: keyof typeof map, fallback: string): SpecialToken =>
    config[name] ?? map[name] ?? { content: fallback, normalized: false };

  const begin = token('bos_token', BEGIN);
  const end = token('eos_token', END);
  const unknown = token('unk_token', END);
  const pad = token('pad_token', END);
  const byContent = new Map<string, SpecialToken>();
  // The last entry for a text decides how it is looked for.
  for (const each of [begin, end, unknown, pad]) byContent.set(each.content, each);
  for (const each of [...Object.values(config.added_tokens_decoder ?? {}), ...added]) {
    byContent.set(each.content, each);
  }
  const length = config.model_max_length;
  return {
    begin: begin.content,
    end: end.content,
    unknown: unknown.content,
    pad: pad.content,
    all: [...byContent.values()],
    // transformers writes 1e30 for "no limit".
    maxLength: length !== undefined && Number.isSafeInteger(length) ? length : DEFAULT_LENGTH,
  };
}

/** The file's fields by the schema; the schema's own defaults if there is no such file. */
function readOptional<T extends z.ZodType>(path: string, schema: T): z.infer<T> {
  return parseFields(schema, parseJson(readOptionalText(path) ?? '{}', path), path);
}
