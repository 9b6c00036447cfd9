import { createInterface } from 'node:readline/promises';

interface AskingContext {
  readonly options: { readonly json: boolean; readonly yes: boolean };
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: { readonly isTTY: boolean };
}

/** A way to ask at this terminal; undefined where there is none, or nobody wants to be asked. */
export function askAt({ options, stdin, stderr }: AskingContext) {
  if (options.json || options.yes || !stdin.isTTY || !stderr.isTTY) return undefined;
  return async (question: string): Promise<string> => {
    const terminal = createInterface({ input: stdin, output: process.stderr });
    try {
      return await terminal.question(question);
    } finally {
      terminal.close();
    }
  };
}
