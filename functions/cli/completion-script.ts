export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A command as a shell completes it. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  /** Its options, without the dashes, with what they are for. */
  readonly options: Readonly<Record<string, string>>;
}

/** The script that a shell reads to complete `onestep`, for its commands and their options. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  return { bash, zsh, fish }[shell](commands);
}

function bash(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const cases = commands.map(({ name, options }) => `    ${name}) words="${dashed(options)}" ;;`);
  return `_onestep() {
  local word=\${COMP_WORDS[COMP_CWORD]} words=
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${names}"; fi
  case "$COMP_CWORD:$word" in
    1:*|*:-*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _onestep onestep
`;
}

function zsh(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, options }) => {
    const words = Object.entries(options).map(([long, help]) =>
      quoted(`--${long}[${help.replaceAll(/[[\]:]/g, ' ')}]`),
    );
    return `    ${name}) _arguments ${words.join(' ')} '*:file:_files' ;;`;
  });
  return `#compdef onestep
_onestep() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
${cases.join('\n')}
  esac
}
compdef _onestep onestep
`;
}

function fish(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ name, summary, options }) => [
    `complete -c onestep -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
    ...Object.entries(options).map(
      ([long, help]) =>
        `complete -c onestep -n '__fish_seen_subcommand_from ${name}' -l ${long} -d ${quoted(help)}`,
    ),
  ]);
  return `${lines.join('\n')}\n`;
}

const dashed = (options: CompletedCommand['options']) =>
  Object.keys(options)
    .map((long) => `--${long}`)
    .join(' ');

/** In single quotes, as the three shells read them. */
const quoted = (text: string) => `'${text.replaceAll("'", '’')}'`;
