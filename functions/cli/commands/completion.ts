import { z } from 'zod';
import { COMMON_OPTIONS, type Command, defineCommand } from '#functions/cli/command.ts';
import {
  type CompletedCommand,
  completionScript,
  SHELLS,
} from '#functions/cli/completion-script.ts';

type Commands = Readonly<Record<string, (() => Promise<Command>) | undefined>>;

const PROBLEM = `Name the shell: onestep completion ${SHELLS.join(' | ')}`;

/** @param commands every command by name, this one among them; called when it runs */
export function createCompletion(commands: () => Commands): Command {
  return defineCommand({
    summary: 'print the script that completes commands in bash, zsh or fish',
    usage: SHELLS.join(' | '),
    options: {},
    positionals: z.tuple([z.enum(SHELLS, { error: PROBLEM })], { error: PROBLEM }),
    examples: ['onestep completion bash >> ~/.bashrc', 'onestep completion fish | source'],
    async run({ positionals: [shell], print }) {
      const script = completionScript(shell, await completedCommands(commands()));
      print({ shell, script }, script);
    },
  });
}

function completedCommands(commands: Commands): Promise<readonly CompletedCommand[]> {
  return Promise.all(
    Object.entries(commands).map(async ([name, load]) => {
      const { summary = '', options = {} } = (await load?.()) ?? {};
      const all = Object.entries({ ...options, ...COMMON_OPTIONS });
      const helps = all.map(([long, { help }]) => [long, help]);
      return { name, summary, options: Object.fromEntries(helps) };
    }),
  );
}
