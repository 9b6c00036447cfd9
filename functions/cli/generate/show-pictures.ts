import type { CommandContext } from '#functions/cli/command.ts';
import { contactSheet } from './contact-sheet.ts';
import type { GENERATE_OPTIONS } from './options.ts';
import { detectTerminalImages, renderForTerminal, type TerminalImages } from './terminal-image.ts';

/**
 * How to show pictures; undefined for not at all: in pipes, with `--json` and `--quiet`, and in a
 * terminal that does not say that it can, unless `--show` asks for it.
 */
export function showingMode({
  options,
  stdout,
  env,
}: Pick<CommandContext<{ show: typeof GENERATE_OPTIONS.show }>, 'options' | 'env'> & {
  readonly stdout: Pick<NodeJS.WriteStream, 'isTTY'>;
}): TerminalImages | undefined {
  if (!stdout.isTTY || options.json || options.quiet) return undefined;
  return detectTerminalImages(env) ?? (options.show ? 'blocks' : undefined);
}

/** Writes the picture into the terminal; several as one contact sheet. */
export async function showPictures(
  stdout: Pick<NodeJS.WriteStream, 'write' | 'columns'>,
  files: readonly Uint8Array[],
  how: TerminalImages,
): Promise<void> {
  const [only, ...more] = files;
  if (only === undefined) return;
  const file = more.length === 0 ? only : await contactSheet(files);
  stdout.write(await renderForTerminal(file, how, stdout.columns || 80));
}
