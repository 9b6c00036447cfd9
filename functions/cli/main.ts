import { parseArgs } from 'node:util';
import { AppError } from '#shared/core/errors.ts';
import { ENGINE_VERSION } from '#shared/engine/pipeline/engine-version.ts';
import { COMMON_OPTIONS, type Command, type CommandContext } from './command.ts';
import { COMMANDS } from './commands.ts';
import { asCalled, commandHelp, overviewHelp, programName } from './help.ts';
import { didYouMean } from './nearest.ts';

const EXIT_FAILURE = 1;
const EXIT_BAD_INPUT = 2;

/** Runs `onestep` with the words after the program's name; returns the exit code. */
async function main(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words[0] === 'help' && words.length > 1 ? askedHelp(words) : words;
  if (name === undefined) {
    const { readSituation, situationText } = await import('./next-steps.ts');
    process.stdout.write(situationText(await readSituation(process.env), programName(process.env)));
    return 0;
  }
  if (name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(asCalled(await overviewHelp(COMMANDS), process.env));
    return 0;
  }
  if (name === '--version' || name === '-V' || name === 'version') {
    process.stdout.write(`${ENGINE_VERSION}\n`);
    return 0;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    throw new AppError(
      'invalid-request',
      `There is no command "${name}".${didYouMean(name, Object.keys(COMMANDS), 'onestep ')} See "onestep --help".`,
    );
  }
  const command = await load();
  const context = parseWords(name, command, rest);
  if (context.values['help'] === true) {
    process.stdout.write(asCalled(commandHelp(name, command), process.env));
    return 0;
  }
  await command.run(context);
  return 0;
}

function parseWords(name: string, command: Command, words: readonly string[]): CommandContext {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { ...COMMON_OPTIONS, ...command.options },
      allowPositionals: true,
    });
    const quiet = values['quiet'] === true;
    return {
      values: values as CommandContext['values'],
      positionals,
      env: process.env,
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: {
        write: (text) => (quiet ? undefined : process.stderr.write(text)),
        isTTY: process.stderr.isTTY && !quiet,
      },
    };
  } catch (cause) {
    const known = Object.keys({ ...command.options, ...COMMON_OPTIONS });
    const problem = cause instanceof Error ? wordsProblem(cause.message, known) : String(cause);
    const end = problem?.endsWith('.') ? '' : '.';
    throw new AppError('invalid-request', `${problem}${end} See "onestep ${name} --help".`, {
      cause,
    });
  }
}

/** `help keys` is `keys --help`. */
function askedHelp([, name = '']: readonly string[]): readonly string[] {
  return [name, '--help'];
}

/** What `parseArgs` found wrong, in one sentence or two. */
function wordsProblem(message: string, known: readonly string[]): string | undefined {
  const [, unknown] = /^Unknown option '(-{1,2}[^']*)'/.exec(message) ?? [];
  if (unknown !== undefined) {
    const word = unknown.replace(/^-+/, '');
    return `There is no option ${unknown}.${didYouMean(word, known, '--')}`;
  }
  const [, option] = /^Option '(?:-\w, )?(--[\w-]+)\b.*' argument is ambiguous/.exec(message) ?? [];
  return option === undefined
    ? message.split(/\. To specify|\n/)[0]?.replace(/\.?$/, '.')
    : `${option} needs a value; for one that begins with a dash, write ${option}=VALUE.`;
}

/** What the system says of a path that the user gave: a wrong name or a missing right. */
const PATH_FAULTS = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'EROFS', 'ELOOP'];

/** 2 when a change of the input can help, 1 when it can't. */
function exitCode(error: unknown): number {
  if (isSystemError(error)) {
    return PATH_FAULTS.includes(error.code) ? EXIT_BAD_INPUT : EXIT_FAILURE;
  }
  return error instanceof AppError && error.status < 499 ? EXIT_BAD_INPUT : EXIT_FAILURE;
}

/** A failed call to the operating system says all in its message; where in our code is no help. */
function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

// Whoever reads the output may have seen enough, as `head` has: no reason for a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCode(error);
  const isPlain = error instanceof AppError || isSystemError(error);
  const text = isPlain ? error.message : ((error as Error)?.stack ?? String(error));
  process.stderr.write(`onestep: ${asCalled(text, process.env)}\n`);
}
