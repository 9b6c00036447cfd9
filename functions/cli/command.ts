import type { ParseArgsConfig } from 'node:util';

type ParseArgsOption = NonNullable<ParseArgsConfig['options']>[string];

/** One option of a command: how it is parsed, and the words that `--help` says about it. */
export type Option = ParseArgsOption & {
  readonly help: string;
  /** The value's name in the help text, such as `DIR`; absent for switches. */
  readonly value?: string;
};

/** What a command gets: its parsed words and the streams that it may talk to. */
export interface CommandContext {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadStream;
  /** Results, and with `--json` nothing but one JSON document. */
  readonly stdout: NodeJS.WriteStream;
  /** Progress and messages for a person; silent under `--quiet`. */
  readonly stderr: { write(text: string): unknown; readonly isTTY: boolean };
}

/**
 * A subcommand. `run` throws an {@link AppError} for what goes wrong; `main.ts` turns it into one
 * line and an exit code (2 for bad input, 1 for failures).
 */
export interface Command {
  readonly summary: string;
  /** The words after `onestep NAME`, such as `PROMPT [options]`. */
  readonly usage: string;
  readonly options: Readonly<Record<string, Option>>;
  readonly examples: readonly string[];
  run(context: CommandContext): Promise<void>;
}

/** Options that every command understands. */
export const COMMON_OPTIONS = {
  json: { type: 'boolean', help: 'print one JSON document on stdout' },
  quiet: { type: 'boolean', short: 'q', help: 'say nothing on stderr but errors' },
  help: { type: 'boolean', short: 'h', help: 'show this text' },
} as const satisfies Record<string, Option>;
