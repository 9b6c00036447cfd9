import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandContext } from '#functions/cli/command.ts';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import { AppError } from '#shared/core/errors.ts';
import type { ApiServerFacts, ApiServerTask } from './api-server.ts';
import type { Bench } from './bench.ts';
import { type LoadRequest, type LoadResult, runLoad } from './load.ts';

const CONNECTIONS = 100;
const SECONDS = 5;
const MEMORY_REQUESTS = 100_000;
const QUEUED = 10_000;

export const apiBench: Bench = {
  summary: 'requests per second and latencies of the API beside a bare Hono server',
  run: (context) => withInterrupt('bench', (signal) => measure(context, signal)),
};

interface Measured extends LoadResult {
  /** Of the bare server's requests per second, for the same method. */
  readonly ofBare?: number;
}

interface Running extends ApiServerFacts {
  /** Resident memory after a collection, in bytes. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

async function measure({ values, stdout, stderr }: CommandContext, signal: AbortSignal) {
  const folder = mkdtempSync(join(tmpdir(), 'onestep-bench-'));
  const running = new Set<Running>();
  const start = async (task: Omit<ApiServerTask, 'folder'>): Promise<Running> => {
    const server = await startServer({ ...task, folder: join(folder, task.synchronous) });
    running.add(server);
    signal.addEventListener('abort', () => void server.stop(), { once: true });
    return server;
  };
  const note = (name: string, result: Measured) => {
    const share = result.ofBare === undefined ? '' : `  ${result.ofBare.toFixed(2)} of bare`;
    stderr.write(
      `${name.padEnd(24)} ${String(result.perSecond).padStart(7)}/s  p50 ${result.p50} ms  p99 ${result.p99} ms${share}\n`,
    );
  };
  try {
    const report = await measureAll(start, note, signal);
    const machine = {
      cpu: cpus()[0]?.model ?? 'unknown',
      processors: availableParallelism(),
      node: process.version,
    };
    const document = { machine, connections: CONNECTIONS, ...report };
    stdout.write(
      values['json'] === true
        ? `${JSON.stringify(document)}\n`
        : `${JSON.stringify(document, null, 2)}\n`,
    );
  } finally {
    for (const server of running) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Start = (task: Omit<ApiServerTask, 'folder'>) => Promise<Running>;

async function measureAll(
  start: Start,
  note: (name: string, result: Measured) => void,
  signal: AbortSignal,
) {
  const load = async (name: string, request: LoadRequest, bare?: LoadResult): Promise<Measured> => {
    signal.throwIfAborted();
    const result = await runLoad(request, { connections: CONNECTIONS, seconds: SECONDS });
    const ofBare = bare === undefined ? {} : { ofBare: result.perSecond / bare.perSecond };
    const measured = { ...result, ...ofBare };
    note(name, measured);
    return measured;
  };
  const bareServer = await start({ kind: 'bare', synchronous: 'full' });
  const bareGet = await load('bare GET', { url: bareServer.url });
  const barePost = await load('bare POST', { ...order(bareServer, ''), url: bareServer.url });
  const full = await start({ kind: 'service', synchronous: 'full' });
  const reads = await load('reads', read(full), bareGet);
  const rejects = {
    unauthenticated: await load('rejects 401', order(full, 'os_live_nobody'), barePost),
    insufficient_funds: await load('rejects 402', order(full, full.keys.poor), barePost),
    rate_limited: await load('rejects 429', order(full, full.keys.slow), barePost),
  };
  const memory = await measureMemory(full);
  const createsFull = await load('creates FULL', order(full, full.keys.rich), barePost);
  await full.stop();
  const normal = await start({ kind: 'service', synchronous: 'normal' });
  const createsNormal = await load('creates NORMAL', order(normal, normal.keys.rich), barePost);
  const waiting = await runLoad(order(normal, normal.keys.rich), {
    connections: CONNECTIONS,
    amount: QUEUED,
  });
  const readsQueued = await load('reads, many queued', read(normal), bareGet);
  await normal.stop();
  const again = await start({ kind: 'service', synchronous: 'normal' });
  return {
    bare: { get: bareGet, post: barePost },
    reads,
    rejects,
    creates: { full: createsFull, normal: createsNormal },
    queued: {
      jobs: (createsNormal.statuses['201'] ?? 0) + (waiting.statuses['201'] ?? 0),
      reads: readsQueued,
      creates: waiting,
      restart_ms: Math.round(again.startMs),
    },
    memory,
  };
}

async function measureMemory(server: Running) {
  const request = read(server);
  // The first requests compile code and fill caches.
  await runLoad(request, { connections: CONNECTIONS, amount: MEMORY_REQUESTS / 5 });
  const before = await server.memory();
  await runLoad(request, { connections: CONNECTIONS, amount: MEMORY_REQUESTS });
  const after = await server.memory();
  return { requests: MEMORY_REQUESTS, before_bytes: before, after_bytes: after };
}

function read({ url, prediction, keys }: Running): LoadRequest {
  const headers = { authorization: `Bearer ${keys.rich}` };
  return { url: `${url}/v1/predictions/${prediction}`, headers };
}

function order({ url }: Running, key: string): LoadRequest {
  return {
    url: `${url}/v1/predictions`,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ input: { prompt: 'a red house by the sea', seed: 7 } }),
  };
}

async function startServer(task: ApiServerTask): Promise<Running> {
  const child = fork(fileURLToPath(new URL('./api-server.ts', import.meta.url)), [], {
    execArgv: ['--expose-gc', '--import', import.meta.resolve('tsx/esm')],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const facts = answerOf<ApiServerFacts>(child);
  child.send(task);
  return {
    ...(await facts),
    memory() {
      const answer = answerOf<number>(child);
      child.send('memory');
      return answer;
    },
    stop() {
      if (child.connected) child.disconnect();
      return exited;
    },
  };
}

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', (code) => {
      reject(new AppError('unavailable', `The measured server ended (${code}).`));
    });
  });
}
