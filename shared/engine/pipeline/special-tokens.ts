import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FormatError } from '#shared/core/errors.ts';

/** A token that is looked for in the text itself, before any word is cut. */
export interface SpecialToken {
  readonly content: string;
  /** Looked for after normalization, so in any case; otherwise in the text as it was typed. */
  readonly normalized: boolean;
}

export interface SpecialTokens {
  readonly begin: string;
  readonly end: string;
  readonly unknown: string;
  readonly pad: string;
  readonly all: readonly SpecialToken[];
  /** Length of the padded sequence, where the configuration states one. */
  readonly maxLength: number | undefined;
}

const BEGIN = '<|startoftext|>';
const END = '<|endoftext|>';

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
 * Reads `tokenizer_config.json` and, for what that leaves open, `special_tokens_map.json`. Absent
 * files and fields take the defaults of transformers' CLIPTokenizer.
 *
 * The pad is a special token as well: SDXL's second tokenizer pads with `!`, so there every `!` of a
 * prompt is the padding token, as in diffusers.
 *
 * @param added what a `tokenizer.json` says of them, which is the last word
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
  // The last one that names a text decides how it is looked for.
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
    maxLength: length !== undefined && Number.isSafeInteger(length) ? length : undefined,
  };
}

/** The file's object by its schema; what the schema makes of `{}` where there is no such file. */
function readOptional<T>(path: string, schema: z.ZodType<T>): T {
  let text = '{}';
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(path, 'this is not JSON', { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FormatError(path, `${issue?.path.join('.')}: ${issue?.message}`);
}
