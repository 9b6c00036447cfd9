import { AppError } from '#shared/core/errors.ts';
import { didYouMean } from '#shared/core/nearest.ts';
import { ENGINE_VERSION } from '#shared/engine/pipeline/engine-version.ts';
import type { CommandIo } from './command.ts';
import { COMMANDS } from './commands.ts';
import { errorText, isSystemError } from './error-text.ts';
import { commandHelp, overviewHelp } from './help.ts';
import { meantCommand } from './meanings.ts';
import { parseWords } from './parse-words.ts';
import { asCalled, programName } from './program-name.ts';

const EXIT_FAILURE = 1;
const EXIT_BAD_INPUT = 2;

/** Runs `onestep` with the words after the program's name; returns the exit code. */
export async function runCli(words: readonly string[], io: CommandIo): Promise<number> {
  try {
    await run(words, io);
    return 0;
  } catch (error) {
    io.stderr.write(`onestep: ${asCalled(errorText(error), io.env)}\n`);
    return exitCode(error);
  }
}

async function run(words: readonly string[], io: CommandIo): Promise<void> {
  const { env, stdout, stderr } = io;
  const [name, ...rest] = words[0] === 'help' && words.length > 1 ? askedHelp(words) : words;
  if (name === undefined) {
    const { readSituation, situationText } = await import('./next-steps.ts');
    stdout.write(situationText(await readSituation(env), programName(env)));
    return;
  }
  if (name === 'help' || name === '--help' || name === '-h') {
    stdout.write(asCalled(await overviewHelp(), env));
    return;
  }
  if (name === '--version' || name === '-V' || name === 'version') {
    stdout.write(`${ENGINE_VERSION}\n`);
    return;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    throw new AppError(
      'invalid-request',
      `There is no command "${name}".${meant(name)} See "onestep help".`,
    );
  }
  const command = await load();
  const parsed = parseWords(name, command, rest);
  if (parsed.values['help'] === true) {
    stdout.write(asCalled(commandHelp(name, command), env));
    return;
  }
  const isQuiet = parsed.values['quiet'] === true;
  await command.run(parsed, {
    ...io,
    stderr: {
      write: (text) => (isQuiet ? undefined : stderr.write(asCalled(text, env))),
      isTTY: stderr.isTTY && !isQuiet,
    },
  });
}

/** What was meant, by its letters or else by what other programs call it. */
function meant(name: string): string {
  const slip = didYouMean(name, Object.keys(COMMANDS), 'onestep ');
  const command = meantCommand(name);
  return slip !== '' || command === undefined ? slip : ` Did you mean "onestep ${command}"?`;
}

/** `help keys` is `keys --help`. */
function askedHelp([, name = '']: readonly string[]): readonly string[] {
  return [name, '--help'];
}

/** The system's codes for a path that the user gave: a wrong name or a missing permission. */
const PATH_FAULTS = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'EROFS', 'ELOOP'];

/** 2 when a change of the input can help, 1 when it can't. */
function exitCode(error: unknown): number {
  if (isSystemError(error)) {
    return PATH_FAULTS.includes(error.code) ? EXIT_BAD_INPUT : EXIT_FAILURE;
  }
  return error instanceof AppError && error.status < 499 ? EXIT_BAD_INPUT : EXIT_FAILURE;
}
