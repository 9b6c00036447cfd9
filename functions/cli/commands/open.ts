import { spawn } from 'node:child_process';
import { askAsAdmin, SERVICE_OPTIONS } from '#functions/cli/client/service.ts';
import { defineCommand, flag } from '#functions/cli/command.ts';

/** What opens an address in the user's browser, by platform. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

export const open = defineCommand({
  summary: 'open the pages of the running service in a browser, signed in',
  usage: '[options]',
  options: {
    print: flag('print the link without opening it'),
    ...SERVICE_OPTIONS,
  },
  examples: ['onestep open', 'onestep open --print'],
  async run(context) {
    const { stdout, options } = context;
    const [service, { path, public_url: origin = service.url }] = await askAsAdmin(context, (api) =>
      api.json<{ path: string; public_url?: string }>('/session', { method: 'POST' }),
    );
    const url = `${origin}${path}`;
    context.print({ url }, `${url}\nIt signs in once, within ten minutes.\n`);
    if (stdout.isTTY && !options.print && !options.json) openInBrowser(url);
  },
});

/** A machine without a browser has the link on its terminal. */
function openInBrowser(url: string): void {
  const [command = '', ...words] = OPENERS[process.platform] ?? ['xdg-open'];
  const opener = spawn(command, [...words, url], { stdio: 'ignore', detached: true });
  opener.on('error', () => undefined);
  opener.unref();
}
