import type { AddressInfo } from 'node:net';
import { createJsonLog } from '#shared/adapters/aws/json-log.ts';
import { systemClock } from '#shared/core/clock.ts';
import { loadGpuConfig } from './config.ts';
import { startWorker } from './start-worker.ts';

/** SageMaker's proxy keeps its connections for a minute; the server must not close first. */
const KEEP_ALIVE_MS = 75_000;

const log = createJsonLog({
  function: 'gpu',
  clock: systemClock,
  write: (line) => process.stdout.write(line),
});

async function main(): Promise<void> {
  const config = loadGpuConfig(process.env, process.argv.slice(2));
  const { env } = process;
  const started = startWorker(config, env);
  // Read while the inference process starts.
  const { composeGpuFunction } = await import('./compose.ts');
  const { serve } = await import('@hono/node-server');
  const gpu = await composeGpuFunction({ config, env, clock: systemClock, log, started });
  const server = serve(
    { fetch: gpu.app.fetch, hostname: config.HOST, port: config.PORT },
    (info: AddressInfo) => {
      log.event('listening', { port: info.port });
      process.send?.({ type: 'listening', port: info.port });
    },
  );
  if ('keepAliveTimeout' in server) {
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    server.requestTimeout = 0;
  }

  // What an embedding server says of packages that came or went.
  process.on('message', ({ type, folders }: { type?: string; folders?: string[] }) => {
    if (type !== 'serve' || folders === undefined) return;
    let fault: string | undefined;
    try {
      gpu.serve(folders);
    } catch (error) {
      fault = (error as Error).message;
    }
    process.send?.({ type: 'serving', fault });
  });

  let closing = false;
  const close = async (why: string, drainSeconds: number): Promise<void> => {
    if (closing) return;
    closing = true;
    log.event('closing', { why });
    await gpu.close(drainSeconds * 1000);
    // Answers that are on their way get out before the connections are cut.
    server.close(() => process.exit(0));
    if ('closeIdleConnections' in server) server.closeIdleConnections();
    setTimeout(() => process.exit(0), 1000).unref();
  };
  process.on('SIGTERM', () => void close('SIGTERM', config.DRAIN_SECONDS));
  process.on('SIGINT', () => void close('SIGINT', config.DRAIN_SECONDS));
  // Started by another process of ours: once that one is gone, the answers are of no use.
  if (process.send !== undefined)
    process.on('disconnect', () => void close('the parent is gone', 0));
  if (config.END_WITH_STDIN) {
    process.stdin.resume().on('end', () => void close('standard input ended', 0));
  }

  await gpu.warmUp();
  log.event('ready', {});
}

main().catch((error) => {
  log.error(error, 'The GPU function could not start');
  process.exit(1);
});
