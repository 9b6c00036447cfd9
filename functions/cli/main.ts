import { runCli } from './run-cli.ts';

/** What a shell reports of a program that SIGPIPE ended. */
const EXIT_BROKEN_PIPE = 141;
const EXIT_FAILURE = 1;

const { env, stdin, stdout, stderr } = process;
stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader such as `head` may close the pipe early, of which nothing needs to be said.
  if (error.code === 'EPIPE') process.exit(EXIT_BROKEN_PIPE);
  stderr.write(`onestep: The output can't be written: ${error.message}\n`);
  process.exit(EXIT_FAILURE);
});
// Progress that can't be shown is no reason to end what makes it.
stderr.on('error', () => undefined);
process.exitCode = await runCli(process.argv.slice(2), { env, stdin, stdout, stderr });
