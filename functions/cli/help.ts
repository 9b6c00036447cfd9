import { COMMON_OPTIONS, type Command } from './command.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the commands are for, in the order in which a newcomer needs them. */
const GROUPS: readonly (readonly [title: string, names: readonly string[]])[] = [
  ['Here and now', ['start', 'generate']],
  ['A running service', ['keys', 'credits', 'accounts', 'usage', 'logs', 'top']],
  ['Models', ['import', 'doctor', 'inspect', 'tokenize', 'bench']],
  ['AWS', ['cost', 'preflight', 'deploy', 'push', 'smoke', 'pause', 'resume', 'nuke']],
];
/** Other names of commands; the overview does not repeat them. */
const ALIASES: Readonly<Record<string, string>> = { serve: 'start' };

/** How the command is called here: a clone has it as a script of npm. */
export function programName(env: Environment): string {
  const script = env['npm_lifecycle_event'];
  return script === 'onestep' || script === 'start' ? 'npm run -s onestep --' : 'onestep';
}

/** A text of ours with its commands written so that they can be pasted here. */
export function asCalled(text: string, env: Environment): string {
  return text.replaceAll(/(^ *|["“]|Usage: |More: )onestep (?=[\w-])/gm, `$1${programName(env)} `);
}

/** The text of `onestep --help`: each command with its one-line summary. */
export async function overviewHelp(
  commands: Readonly<Record<string, () => Promise<Command>>>,
): Promise<string> {
  const grouped = new Set(GROUPS.flatMap(([, names]) => names));
  const others = Object.keys(commands).filter((name) => !grouped.has(name) && !ALIASES[name]);
  const groups = others.length === 0 ? GROUPS : [...GROUPS, ['More', others] as const];
  const titles = new Map(Object.keys(commands).map((name) => [name, withAliases(name)]));
  const width = Math.max(...[...titles.values()].map((title) => title.length));
  const texts = await Promise.all(
    groups.map(async ([title, names]) => {
      const rows = await Promise.all(
        names.map(
          async (name) =>
            `  ${titles.get(name)?.padEnd(width)}  ${(await commands[name]?.())?.summary}`,
        ),
      );
      return `${title}\n${rows.join('\n')}\n`;
    }),
  );
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
