import type { Command, CommandIo } from '#functions/cli/command.ts';
import { parseWords } from '#functions/cli/parse-words.ts';

/** What a command of the CLI writes to stdout, run in this process with the words after its name. */
export async function runCommand(
  name: string,
  command: Command,
  words: readonly string[],
): Promise<string> {
  let printed = '';
  const stdout = { write: (text: string) => (printed += text) };
  const io = { env: {}, stdout, stderr: { write: () => undefined, isTTY: false } };
  await command.run(parseWords(name, command, words), io as unknown as CommandIo);
  return printed;
}
