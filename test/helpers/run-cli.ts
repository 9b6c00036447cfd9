import { Readable } from 'node:stream';
import type { CommandIo } from '#functions/cli/command.ts';
import { runCli } from '#functions/cli/run-cli.ts';

/** How a run of the command line ended, and what it wrote. */
export interface CliRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `onestep` in this process, which has its code loaded already: half a second less than a process of its
 * own. What is at stake between processes, such as signals, pipes and the launcher, this can't show.
 */
export async function runOnestep(
  words: readonly string[],
  { env = {}, input = '' }: { readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Promise<CliRun> {
  const text = { stdout: '', stderr: '' };
  const writer = (name: keyof typeof text) => ({
    write: (part: string) => {
      text[name] += part;
    },
    isTTY: false,
  });
  const io = {
    env: { ...process.env, ...env },
    stdin: Object.assign(Readable.from([Buffer.from(input)]), { isTTY: false }),
    stdout: writer('stdout'),
    stderr: writer('stderr'),
  };
  const status = await runCli(words, io as unknown as CommandIo);
  return { status, ...text };
}
