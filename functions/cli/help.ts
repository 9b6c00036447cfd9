import { COMMON_OPTIONS, type Command } from './command.ts';
import { ALIASES, COMMAND_GROUPS } from './commands.ts';

/** The text of `onestep --help`: each command with its one-line summary. */
export async function overviewHelp(): Promise<string> {
  const groups = await Promise.all(
    Object.entries(COMMAND_GROUPS).map(async ([title, commands]) => {
      const rows = Object.entries(commands).map(async ([name, load]) => {
        return [`  ${withAliases(name)}`, (await load()).summary];
      });
      return { title, rows: await Promise.all(rows) };
    }),
  );
  const width = Math.max(...groups.flatMap(({ rows }) => rows.map(([name = '']) => name.length)));
  const texts = groups.map(({ title, rows }) => {
    const lines = rows.map(([name = '', summary]) => `${name.padEnd(width)}  ${summary}\n`);
    return `${title}\n${lines.join('')}`;
  });
  return `onestep: images from prompts in one denoising step\n\n${texts.join('\n')}\nMore: onestep COMMAND --help\n`;
}

function withAliases(name: string): string {
  const others = Object.keys(ALIASES).filter((alias) => ALIASES[alias] === name);
  return [name, ...others].join(', ');
}

/** The text of `onestep NAME --help`: usage, options, examples. */
export function commandHelp(name: string, command: Command): string {
  const rows = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(
    ([long, option]): [string, string] => [
      `${option.short === undefined ? '    ' : `-${option.short}, `}--${long}${option.value === undefined ? '' : ` ${option.value}`}`,
      option.help,
    ],
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  const examples = command.examples.map((example) => `  ${example}`);
  return `${command.summary}\n\nUsage: onestep ${name} ${command.usage}\n\n${lines.join('\n')}\n\nExamples:\n${examples.join('\n')}\n`;
}
