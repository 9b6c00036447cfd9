import { setTimeout as delay } from 'node:timers/promises';
import type { Status } from '#functions/api/operations/status-schema.ts';
import type { HttpClient } from '#functions/cli/client/http-client.ts';
import { askAsAdmin, SERVICE_OPTIONS } from '#functions/cli/client/service.ts';
import { statusScreen } from '#functions/cli/client/status-screen.ts';
import { defineCommand, flag } from '#functions/cli/command.ts';
import { AppError } from '#shared/core/errors.ts';

const REDRAW_MS = 1000;
/** The alternate screen without a cursor, and back. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export const top = defineCommand({
  summary: 'watch the queue, the phases and the money of a running service',
  usage: '[options]',
  options: {
    once: flag('print the present state, and end'),
    ...SERVICE_OPTIONS,
  },
  examples: ['onestep top', 'onestep top --once', 'onestep top --json'],
  async run(context) {
    const { stdout, options } = context;
    const [service, first] = await askAsAdmin(context, readStatus);
    const isWatched = stdout.isTTY && !options.json && !options.once;
    if (isWatched) await watch(stdout, service, first);
    else context.print(first, statusScreen(first, service.url, stdout.columns || 80));
  },
});

const readStatus = (service: HttpClient) => service.json<Status>('/v1/status');

/** Redraws once a second until Ctrl-C; while the service is away, it keeps trying. */
async function watch(
  stdout: NodeJS.WriteStream,
  service: HttpClient,
  first: Status,
): Promise<void> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  stdout.write(ENTER);
  try {
    let status = first;
    let problem = '';
    while (!controller.signal.aborted) {
      const screen = statusScreen(status, service.url, stdout.columns || 80);
      const lines = `${screen}${problem}\n\nCtrl-C ends this.`.split('\n');
      const shown = lines.slice(0, Math.max(1, (stdout.rows || 24) - 1));
      stdout.write(
        `${HOME}${shown.map((line) => `${line}${CLEAR_LINE}`).join('\n')}${CLEAR_BELOW}`,
      );
      await delay(REDRAW_MS, undefined, { signal: controller.signal }).catch(() => undefined);
      if (controller.signal.aborted) return;
      try {
        status = await readStatus(service);
        problem = '';
      } catch (error) {
        if (error instanceof AppError && error.status < 499) throw error;
        problem = `\n${error instanceof Error ? error.message : String(error)} Trying again …`;
      }
    }
  } finally {
    stdout.write(LEAVE);
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
