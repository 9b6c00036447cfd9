import { z } from 'zod';
import { FormatError } from '#shared/core/errors.ts';
import { isRecord, parseFields } from '#shared/engine/bytes/json.ts';

/** A size; the limit keeps nonsense from taking all memory before a tensor's shape refutes it. */
export const PositiveInt = z
  .number()
  .int()
  .positive()
  .max(2 ** 20);

/** How many layers or blocks there are: each becomes a piece of the graph. */
export const Count = z.number().int().positive().max(128);
export const MAX_BLOCKS = 16;

/** One number for all blocks, or one per block. */
export const PerBlock = z.union([PositiveInt, z.array(PositiveInt).max(MAX_BLOCKS)]);
export const CountPerBlock = z.union([Count, z.array(Count).max(128)]);

/**
 * Checks a `config.json` against a schema whose defaults are those of the Python class.
 *
 * @param supported fields of which the graph implements only these values, the class's default among
 *   them
 * @throws FormatError naming the field
 */
export function readConfig<T extends z.ZodType>(
  schema: T,
  supported: Readonly<Record<string, readonly unknown[]>>,
  value: unknown,
  file: string,
): z.infer<T> {
  if (!isRecord(value)) throw new FormatError(file, 'a config.json holds a JSON object');
  for (const [field, allowed] of Object.entries(supported)) {
    const given = Object.hasOwn(value, field) ? value[field] : undefined;
    if (given === undefined || allowed.includes(given)) continue;
    const choices = allowed.map((choice) => JSON.stringify(choice)).join(' or ');
    const problem = `"${field}": ${shown(given)} is not supported; it must be ${choices}`;
    throw new FormatError(file, problem);
  }
  return parseFields(schema, value, file);
}

/** A value as JSON, short enough for a message. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

/** A per-block setting as a list with one entry for each of `count` blocks. */
export function perBlock<T>(
  field: string,
  value: T | readonly T[],
  count: number,
  file: string,
): readonly T[] {
  if (!isList(value)) return Array.from({ length: count }, () => value);
  if (value.length === count) return value;
  throw new FormatError(
    file,
    `"${field}" has ${value.length} entries for ${count} blocks ("block_out_channels")`,
  );
}

const isList = <T>(value: T | readonly T[]): value is readonly T[] => Array.isArray(value);
