import { join } from 'node:path';
import { pino } from 'pino';
import { z } from 'zod';
import { type CommandContext, defineCommand, flag, option } from '#functions/cli/command.ts';
import { path } from '#functions/cli/option-types.ts';
import { asCalled } from '#functions/cli/program-name.ts';
import { type EmbeddedServer, startEmbeddedServer } from '#functions/local/compose.ts';
import { KEYS_FILE } from '#functions/local/first-start.ts';
import { watchLauncher } from '#functions/local/launcher-watch.ts';
import { CONFIG_FILE, loadServeConfig } from '#functions/local/serve-config.ts';
import { createServerLog, logGpuLine } from '#functions/local/server-log.ts';

const OPTIONS = {
  // Checked with the other settings, so that all faults are listed at once.
  port: option('N', '0 takes any free port; default: 8787', z.string(), 'p'),
  host: option('ADDR', 'the address to listen on; default: 127.0.0.1'),
  data: option('DIR', 'the folder of everything that is kept; default: ./.onestep', path(), 'd'),
  config: option('FILE', `settings; default: ./${CONFIG_FILE}`, path()),
  'allow-local-webhooks': flag('let webhooks go to this machine, by http too; for development'),
  stay: flag('keep running when the process that started this one ends'),
};

export const start = defineCommand({
  summary: 'run the whole service here: API, queue, ledger and the model',
  usage: '[options]',
  options: OPTIONS,
  examples: ['onestep start', 'onestep start --port 0 --data /tmp/try --json'],
  run,
});

async function run({ options, env, print }: CommandContext<typeof OPTIONS>): Promise<void> {
  const { port, host, data, config: file } = options;
  const config = loadServeConfig({
    flags: {
      port,
      host,
      data,
      allowLocalWebhooks: options['allow-local-webhooks'] ? '1' : undefined,
    },
    env,
    file: file ?? CONFIG_FILE,
    fileRequired: file !== undefined,
  });
  const log = createServerLog(config.logLevel, pino.destination({ fd: 2, sync: true }));
  const ended = waitForEnd(env, options.stay);
  const server = await startEmbeddedServer(config, {
    env,
    onError: (error, what) => log.error({ err: error }, what),
    onLog: (line) => logGpuLine(log, line),
    onRequest: (request) => log.info(request, 'request'),
  });
  const facts = {
    url: server.url,
    key: server.keys.key,
    admin_key: server.keys.adminKey,
    pid: process.pid,
  };
  print(facts, asCalled(greeting(server, config.data), env));
  log.debug(await ended);
  let exitCode = 0;
  await server.close().catch((error: unknown) => {
    log.error({ err: error }, 'shutdown');
    exitCode = 1;
  });
  // A library's timers must not keep a process alive whose server is closed.
  process.exit(exitCode);
}

/** Resolves with the reason to end: a signal, or the end of the process that launched this one. */
function waitForEnd(env: NodeJS.ProcessEnv, stay: boolean): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
    if (!stay) watchLauncher(env, () => resolve('the launching process ended'));
  });
}

function greeting({ url, keys, signInLink }: EmbeddedServer, data: string): string {
  const link = `Onestep is running at ${url}

  In a browser   ${signInLink()}
                 signs in once; "onestep open" makes another
`;
  const ending = 'Ctrl-C stops it.\n';
  if (!keys.areNew) {
    return `${link}  API keys       as at the first start; they are in ${join(data, KEYS_FILE)}\n\n${ending}`;
  }
  return `${link}  API key        ${keys.key}
  Admin key      ${keys.adminKey}
                 printed this once; they stay in ${join(data, KEYS_FILE)}

Try it:

  curl ${url}/v1/images \\
    -H "Authorization: Bearer ${keys.key}" \\
    -H "Content-Type: application/json" -H "Accept: image/png" \\
    -d '{"prompt": "a red house by the sea at sunset", "seed": 7}' -o picture.png

${ending}`;
}
