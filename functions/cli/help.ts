import { COMMON_OPTIONS, type Command, type Option } from './command.ts';

/** The text of `onestep --help`: each command with its one-line summary. */
export async function overviewHelp(
  commands: Readonly<Record<string, () => Promise<Command>>>,
): Promise<string> {
  const names = Object.keys(commands);
  const width = Math.max(...names.map((name) => name.length));
  const rows = await Promise.all(
    names.map(async (name) => `  ${name.padEnd(width)}  ${(await commands[name]?.())?.summary}`),
  );
  return `onestep: images from prompts in one denoising step\n\n${rows.join('\n')}\n\nMore: onestep COMMAND --help\n`;
}

/** The text of `onestep NAME --help`: usage, options, examples. */
export function commandHelp(name: string, command: Command): string {
  const options: [string, Option][] = Object.entries({ ...command.options, ...COMMON_OPTIONS });
  const rows = options.map(([long, option]): [string, string] => [
    `${option.short === undefined ? '    ' : `-${option.short}, `}--${long}${option.value === undefined ? '' : ` ${option.value}`}`,
    option.help,
  ]);
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  const examples = command.examples.map((example) => `  ${example}`);
  return `${command.summary}\n\nUsage: onestep ${name} ${command.usage}\n\n${lines.join('\n')}\n\nExamples:\n${examples.join('\n')}\n`;
}
