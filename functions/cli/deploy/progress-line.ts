import type { CommandContext } from '#functions/cli/command.ts';
import type { PushProgress } from './push-package.ts';

/** One line that overwrites itself on a terminal; nothing elsewhere. */
export function progressLine({
  stderr,
}: Pick<CommandContext, 'stderr'>): (progress: PushProgress) => void {
  if (!stderr.isTTY) return () => undefined;
  return ({ file, doneBytes, totalBytes }) => {
    const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
    stderr.write(`\r\u001b[K${percent} %  ${file}`);
  };
}
