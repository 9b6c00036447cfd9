import { type ParseArgsConfig, parseArgs } from 'node:util';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { didYouMean } from '#shared/core/nearest.ts';
import { COMMON_OPTIONS, type Command, type ParsedWords } from './command.ts';

/**
 * Takes apart the words after a command's name.
 *
 * @throws AppError `invalid-request` for an option that there is not, and for one without its value
 */
export function parseWords(name: string, command: Command, words: readonly string[]): ParsedWords {
  const known = Object.entries({ ...command.options, ...COMMON_OPTIONS });
  const options: ParseArgsConfig['options'] = Object.fromEntries(
    known.map(([long, { value, short, multiple }]) => [
      long,
      { type: typeOf(value), ...defined({ short, multiple }) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: joinNegatives(words),
      options,
      allowPositionals: true,
    });
    return { values: values as ParsedWords['values'], positionals };
  } catch (cause) {
    const names = known.map(([long]) => long);
    const problem = cause instanceof Error ? problemOf(cause.message, names) : String(cause);
    throw new AppError('invalid-request', `${problem} See "onestep ${name} --help".`, { cause });
  }
}

const typeOf = (value: string | undefined) => (value === undefined ? 'boolean' : 'string');

/** `--rate -1` and `-n -1` reach the option's own check, which says more than `parseArgs` does. */
function joinNegatives(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const [, long, short] = /^(?:(--[\w-]+)|(-[a-z]))$/.exec(joined.at(-1) ?? '') ?? [];
    const isNegative = /^-\d/.test(word) && (long !== undefined || short !== undefined);
    if (isNegative)
      joined.splice(-1, 1, long === undefined ? `${short}${word}` : `${long}=${word}`);
    else joined.push(word);
  }
  return joined;
}

/** What `parseArgs` found wrong, in one sentence or two. */
function problemOf(message: string, known: readonly string[]): string {
  const [, unknown] = /^Unknown option '(-{1,2}[^']*)'/.exec(message) ?? [];
  if (unknown !== undefined) {
    const meant = didYouMean(unknown.replace(/^-+/, ''), known, '--');
    return `There is no option ${unknown}.${meant}`;
  }
  const [, option, missing] =
    /^Option '(?:-\w, )?(--[\w-]+)\b.*' argument (missing|is ambiguous)/.exec(message) ?? [];
  if (missing === 'missing') return `${option} needs a value.`;
  return option === undefined
    ? `${message.split(/\. To specify|\n/)[0]?.replace(/\.$/, '')}.`
    : `${option} needs a value; for one that begins with a dash, write ${option}=VALUE.`;
}
