import { pino } from 'pino';
import type { Command, CommandContext } from '#functions/cli/command.ts';
import { type EmbeddedServer, startEmbeddedServer } from '#functions/local/compose.ts';
import { watchLauncher } from '#functions/local/launcher-watch.ts';
import { CONFIG_FILE, loadServeConfig } from '#functions/local/serve-config.ts';
import { createServerLog } from '#functions/local/server-log.ts';

export const start: Command = {
  summary: 'run the whole service here: API, queue, ledger and the model',
  usage: '[options]',
  options: {
    port: { type: 'string', short: 'p', value: 'N', help: '0 takes any free port; default: 8787' },
    host: { type: 'string', value: 'ADDR', help: 'the address to listen on; default: 127.0.0.1' },
    data: {
      type: 'string',
      short: 'd',
      value: 'DIR',
      help: 'the folder of everything that is kept; default: ./.onestep',
    },
    config: { type: 'string', value: 'FILE', help: `settings; default: ./${CONFIG_FILE}` },
    'allow-local-webhooks': {
      type: 'boolean',
      help: 'let webhooks go to this machine, by http too; for development',
    },
    stay: { type: 'boolean', help: 'go on when the process that started this one ends' },
  },
  examples: ['onestep start', 'onestep start --port 0 --data /tmp/try --json'],
  run,
};

async function run(context: CommandContext): Promise<void> {
  const { values, env, stdout } = context;
  const text = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined);
  const config = loadServeConfig({
    flags: {
      port: text('port'),
      host: text('host'),
      data: text('data'),
      allowLocalWebhooks: values['allow-local-webhooks'] === true ? '1' : undefined,
    },
    env,
    file: text('config') ?? CONFIG_FILE,
    fileRequired: text('config') !== undefined,
  });
  const log = createServerLog(config.logLevel, pino.destination({ fd: 2, sync: true }));
  const ended = waitForEnd(env, values['stay'] === true);
  const server = await startEmbeddedServer(config, {
    env,
    onError: (error, what) => log.error({ err: error }, what),
    onLog: (line) => log.debug({ gpu: line }),
    onRequest: (request) => log.info(request, 'request'),
  });
  const facts = {
    url: server.url,
    key: server.keys.key,
    admin_key: server.keys.adminKey,
    pid: process.pid,
  };
  stdout.write(values['json'] === true ? `${JSON.stringify(facts)}\n` : greeting(server));
  log.debug(await ended);
  let exitCode = 0;
  await server.close().catch((error: unknown) => {
    log.error({ err: error }, 'shutdown');
    exitCode = 1;
  });
  // Timers of libraries must not keep a server alive that has said goodbye.
  process.exit(exitCode);
}

/** Resolves with the reason to end: a signal, or the end of whoever launched this. */
function waitForEnd(env: NodeJS.ProcessEnv, stay: boolean): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
    if (!stay) watchLauncher(env, () => resolve('the launching process ended'));
  });
}

function greeting({ url, keys, signInPath }: EmbeddedServer): string {
  return `Onestep is running at ${url}

  In a browser   ${url}${signInPath()}
  API key        ${keys.key}
  Admin key      ${keys.adminKey}

Try it:

  curl ${url}/v1/images \\
    -H "Authorization: Bearer ${keys.key}" \\
    -H "Content-Type: application/json" -H "Accept: image/png" \\
    -d '{"prompt": "a red house by the sea at sunset", "seed": 7}' -o picture.png

Ctrl-C stops it.
`;
}
