import { join } from 'node:path';
import { pino } from 'pino';
import type { CommandContext } from '#functions/cli/command.ts';
import { asCalled } from '#functions/cli/program-name.ts';
import { type EmbeddedServer, startEmbeddedServer } from '#functions/local/compose.ts';
import { KEYS_FILE } from '#functions/local/first-start.ts';
import { watchLauncher } from '#functions/local/launcher-watch.ts';
import { CONFIG_FILE, loadServeConfig } from '#functions/local/serve-config.ts';
import { createServerLog, logGpuLine } from '#functions/local/server-log.ts';
import type { START_OPTIONS } from './options.ts';

/** Runs the embedded server until a signal, or the end of what launched it. */
export async function runServer({
  options,
  env,
  print,
}: CommandContext<typeof START_OPTIONS>): Promise<void> {
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
