import type { CommandContext } from '#functions/cli/command.ts';

/** Back to the beginning of the line, and empty it. */
const CLEAR = '\r\u001b[K';

/**
 * Reports the picture that is being made, with the rate and the time left, and each one that is
 * finished. The former shows in a terminal only, on a line that disappears.
 */
export function createProgress(
  stderr: CommandContext['stderr'],
  total: number,
  now: () => number = () => performance.now(),
) {
  const started = now();
  let made = 0;
  const clear = stderr.isTTY ? CLEAR : '';
  const status = () => {
    if (!stderr.isTTY || made === total) return;
    const eachMs = made === 0 ? undefined : (now() - started) / made;
    const rest = eachMs === undefined ? '' : `, ${seconds(eachMs)} each`;
    const left = eachMs === undefined ? '' : `, about ${seconds(eachMs * (total - made))} left`;
    stderr.write(`${CLEAR}picture ${made + 1} of ${total}${rest}${left} …`);
  };
  return {
    begin: status,
    made(line: string): void {
      made += 1;
      stderr.write(`${clear}${line}\n`);
      status();
    },
    /** Empties the line, so that an error message stands alone. */
    end: () => stderr.write(clear),
  };
}

function seconds(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}
