import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { AppError, FormatError } from '#shared/core/errors.ts';

/** Whether a parsed JSON value is an object, not null and not a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads a JSON file that has to be there.
 *
 * @param absent what to say where it is not
 * @param advice what is added where it is no JSON
 * @throws AppError `file-not-found`, FormatError
 */
export function readJsonFile(file: string, absent: string, advice = ''): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AppError('file-not-found', absent, { cause });
  }
  return parseJson(text, file, `is not valid JSON${advice}`);
}

/** @throws FormatError if a file's text is not JSON */
export function parseJson(text: string, file: string, problem = 'is not valid JSON'): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FormatError(file, problem, { cause });
  }
}

/** @throws FormatError naming the field of a file's value that does not fit the schema */
export function parseFields<T extends z.ZodType>(
  schema: T,
  value: unknown,
  file: string,
  advice = '',
): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String).join('.');
  const cause = parsed.error;
  throw new FormatError(file, `"${path}": ${issue?.message}${advice}`, { cause });
}

/** A file's text; undefined if there is no such file. @throws AppError `file-not-found` */
export function readOptionalText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AppError('file-not-found', `${file} cannot be read.`, { cause, details: { file } });
  }
}
