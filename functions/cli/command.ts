import { z } from 'zod';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';

/** One option of a command: what `--help` says about it, and what its text has to be. */
export interface Option<Schema extends z.ZodType = z.ZodType> {
  readonly help: string;
  /** The value's name in the help text, such as `DIR`; absent for switches. */
  readonly value?: string;
  readonly short?: string;
  /** Whether it may be given several times; the schema then takes a list. */
  readonly multiple?: boolean;
  /** Takes the text that was given; a schema with a default also takes an option that was not. */
  readonly schema: Schema;
}

type Options = Readonly<Record<string, Option>>;
type ValueOf<Schema extends z.ZodType> =
  undefined extends z.input<Schema> ? z.output<Schema> : z.output<Schema> | undefined;
type ValuesOf<Shape extends Options> = {
  readonly [Name in keyof Shape]: ValueOf<Shape[Name]['schema']>;
};

/** An option with a value; see `option-types.ts` for the schemas of numbers, dates and the like. */
export function option(value: string, help: string): Option<z.ZodString>;
export function option<Schema extends z.ZodType>(
  value: string,
  help: string,
  schema: Schema,
  short?: string,
): Option<Schema>;
export function option(value: string, help: string, schema = z.string(), short?: string): Option {
  return { value, help, schema, ...defined({ short }) };
}

/** An option with a value that may be given several times. */
export const repeated = (value: string, help: string) => ({
  value,
  help,
  multiple: true,
  schema: z.array(z.string().min(1, 'a value is empty')).default([]),
});

const SWITCH = z.boolean().default(false);

/** An option without a value. */
export function flag(help: string, short?: string): Option<typeof SWITCH> {
  return { help, schema: SWITCH, ...defined({ short }) };
}

/** Options that every command understands. */
export const COMMON_OPTIONS = {
  json: flag('print one JSON document on stdout'),
  quiet: flag('say nothing on stderr but errors', 'q'),
  help: flag('show this text', 'h'),
};

/** The streams that a command may talk to, and its environment. */
export interface CommandIo {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadStream;
  /** Results, and with `--json` nothing but one JSON document. */
  readonly stdout: NodeJS.WriteStream;
  /** Progress and messages for a person; silent under `--quiet`. */
  readonly stderr: { write(text: string): unknown; readonly isTTY: boolean };
}

/** What a command gets: its options, checked and converted, and the words that belong to none. */
export interface CommandContext<
  Shape extends Options = typeof COMMON_OPTIONS,
  Words = readonly string[],
> extends CommandIo {
  readonly options: ValuesOf<Shape & typeof COMMON_OPTIONS>;
  readonly positionals: Words;
  /** Writes a result to stdout: the document with `--json`, else the text. */
  print(document: unknown, text: string): void;
}

/** The words after a command's name, taken apart and not yet checked. */
export interface ParsedWords {
  readonly values: Readonly<Record<string, OptionText>>;
  readonly positionals: readonly string[];
}

/** What an option was given as. */
export type OptionText = string | boolean | readonly string[] | undefined;

/** A subcommand as `main.ts` sees it. */
export interface Command {
  readonly summary: string;
  /** The words after `onestep NAME`, such as `PROMPT [options]`. */
  readonly usage: string;
  readonly options: Options;
  readonly examples: readonly string[];
  /** @throws AppError that becomes one line and an exit code: 2 for bad input, 1 for failures */
  run(words: ParsedWords, io: CommandIo): Promise<void>;
}

interface Definition<Shape extends Options, Words> extends Omit<Command, 'options' | 'run'> {
  readonly options: Shape;
  /** The words that belong to no option; none unless given. */
  readonly positionals?: z.ZodType<Words>;
  run(context: CommandContext<Shape, Words>): Promise<void>;
}

const NO_WORDS = z.tuple([], { error: ({ input }) => `"${String(input)}" is one word too many` });

/** Makes a command whose `run` gets values of the types that its options' schemas produce. */
export function defineCommand<Shape extends Options, Words = readonly string[]>(
  definition: Definition<Shape, Words>,
): Command {
  const { options, positionals = NO_WORDS as unknown as z.ZodType<Words> } = definition;
  return {
    ...definition,
    async run(words, io) {
      const checked = Object.entries({ ...options, ...COMMON_OPTIONS }).map(
        ([name, { schema }]) => [name, checkOption(name, schema, words.values[name])],
      );
      const rest = positionals.safeParse(words.positionals);
      if (!rest.success) throw new AppError('invalid-request', `${problemOf(rest.error)}.`);
      const values = Object.fromEntries(checked);
      await definition.run({
        ...io,
        options: values,
        positionals: rest.data,
        print: (document, text) =>
          io.stdout.write(values.json === true ? `${JSON.stringify(document)}\n` : text),
      });
    },
  };
}

function checkOption(name: string, schema: z.ZodType, given: OptionText): unknown {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  if (given === undefined) return undefined;
  throw new AppError('invalid-request', `--${name}: ${problemOf(result.error)}.`);
}

const problemOf = ({ issues }: z.ZodError): string => issues[0]?.message ?? 'does not work';
