import { spawn } from 'node:child_process';
import { AppError } from '#shared/core/errors.ts';

export interface RunOptions {
  readonly cwd: string;
  /** Text for the program's standard input. */
  readonly input?: string;
  /** Keeps what the program prints instead of showing it. @default false */
  readonly capture?: boolean;
}

/** Runs a program to its end; resolves to what it printed, where that is kept. */
export type RunCommand = (
  program: string,
  words: readonly string[],
  options: RunOptions,
) => Promise<string>;

/**
 * Runs a program of this machine. What it prints goes to standard error, since standard output is for
 * results.
 *
 * @throws AppError `unavailable` when it is not there or ends with another code than 0
 */
export const runCommand: RunCommand = async (program, words, options) => {
  const child = spawn(program, [...words], {
    cwd: options.cwd,
    stdio: ['pipe', options.capture === true ? 'pipe' : 2, 2],
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input ?? '');
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).catch((cause: unknown) => {
    throw new AppError('unavailable', `${program} cannot be started. Is it installed?`, { cause });
  });
  if (code !== 0) {
    throw new AppError(
      'unavailable',
      `"${program} ${words.slice(0, 2).join(' ')} …" failed (code ${code}).`,
    );
  }
  return Buffer.concat(chunks).toString('utf8');
};
