import { AppError } from '#shared/core/errors.ts';
import { didYouMean } from '#shared/core/nearest.ts';
import { ENGINE_VERSION } from '#shared/engine/pipeline/engine-version.ts';
import { COMMANDS } from './commands.ts';
import { errorText, isSystemError } from './error-text.ts';
import { commandHelp, overviewHelp } from './help.ts';
import { meantCommand } from './meanings.ts';
import { parseWords } from './parse-words.ts';
import { asCalled, programName } from './program-name.ts';

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
    process.stdout.write(asCalled(await overviewHelp(), process.env));
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
      `There is no command "${name}".${meant(name)} See "onestep help".`,
    );
  }
  const command = await load();
  const parsed = parseWords(name, command, rest);
  if (parsed.values['help'] === true) {
    process.stdout.write(asCalled(commandHelp(name, command), process.env));
    return 0;
  }
  const isQuiet = parsed.values['quiet'] === true;
  await command.run(parsed, {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: {
      write: (text) => (isQuiet ? undefined : process.stderr.write(asCalled(text, process.env))),
      isTTY: process.stderr.isTTY && !isQuiet,
    },
  });
  return 0;
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

// A reader such as `head` may close the pipe early, which is no reason for a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCode(error);
  process.stderr.write(`onestep: ${asCalled(errorText(error), process.env)}\n`);
}
