import { createInterface } from 'node:readline/promises';
import { AppError } from '#shared/core/errors.ts';

interface AskingContext {
  readonly options: { readonly yes: boolean };
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: { readonly isTTY: boolean };
}

/** A way to ask at this terminal; undefined where nobody wants to be asked. */
export function askAt({ options, stdin, stderr }: AskingContext) {
  if (options.yes) return undefined;
  return async (question: string): Promise<string> => {
    if (!stdin.isTTY || !stderr.isTTY) throw nobodyAnswers(question);
    const terminal = createInterface({ input: stdin, output: process.stderr });
    try {
      return await terminal.question(question);
    } catch (cause) {
      if ((cause as Error).name !== 'AbortError') throw cause;
      process.stderr.write('\n');
      throw new AppError(
        'canceled',
        'Stopped before anything was made. Run "onestep deploy" again: answers are kept, and options such as --region change them.',
        { cause },
      );
    } finally {
      terminal.close();
    }
  };
}

/** A deployment costs money, so it does not begin with answers that nobody has given. */
function nobodyAnswers(question: string): AppError {
  const asked = question.replace(/\s*(\[.*\])?: $/, '');
  return new AppError(
    'invalid-request',
    `There is no terminal to ask at: "${asked}". Give --region, --email, --model and --budget, or --yes to take what cdk.json says.`,
  );
}
