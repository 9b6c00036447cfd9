import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import type { ApiServerTask } from './api-server.ts';
import type { Bench, BenchIo } from './bench.ts';
import { compareByTurns } from './by-turns.ts';
import { type LoadRequest, type LoadResult, runLoad } from './load.ts';
import { compareManyJobs } from './many-jobs.ts';
import { newestOf, order, type Running, read, startServer } from './measured-server.ts';

const CONNECTIONS = 100;
const SECONDS = 5;
/** The first requests compile code and fill caches. */
const WARM_UP_SECONDS = 1;
const MEMORY_REQUESTS = 100_000;
const QUEUED = 10_000;

export const apiBench: Bench = {
  summary: 'requests per second and latencies of the API beside a bare Hono server',
  run: (io) =>
    withInterrupt('bench', (signal) => {
      const { against, jobs } = io.options ?? {};
      if (against !== undefined) return compareByTurns(against, io, signal);
      return jobs === undefined ? measure(io, signal) : compareManyJobs(Number(jobs), io, signal);
    }),
};

interface Measured extends LoadResult {
  /** Time on a processor that the server took for a request; other work on the machine has no share. */
  readonly cpuMicros: number;
  /** The bare server under the same kind of request, a moment before. */
  readonly bare?: Measured;
  /** Of the bare server's requests per second. */
  readonly ofBare?: number;
}

async function measure({ json, stdout, stderr }: BenchIo, signal: AbortSignal) {
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
      `${name.padEnd(24)} ${String(result.perSecond).padStart(7)}/s  p50 ${result.p50} ms  p99 ${result.p99} ms  ${result.cpuMicros} µs of CPU${share}\n`,
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
    stdout.write(json ? `${JSON.stringify(document)}\n` : `${JSON.stringify(document, null, 2)}\n`);
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
  const load = async (server: Running, request: LoadRequest): Promise<Measured> => {
    signal.throwIfAborted();
    await runLoad(request, { connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
    const before = await server.usage();
    const result = await runLoad(request, { connections: CONNECTIONS, seconds: SECONDS });
    const cpu = (await server.usage()).cpuMicros - before.cpuMicros;
    return { ...result, cpuMicros: Math.round(cpu / countAnswers(result)) };
  };
  const bareServer = await start({ kind: 'bare', synchronous: 'full' });
  const compare = async (
    name: string,
    server: Running,
    request: LoadRequest,
    barePath: '/predictions' | '/refusals',
  ): Promise<Measured> => {
    const bare = await load(bareServer, { ...request, url: bareServer.url + barePath });
    note(`bare ${request.method ?? 'GET'} ${barePath}`, bare);
    const result = await load(server, request);
    const measured = { ...result, bare, ofBare: result.perSecond / bare.perSecond };
    note(name, measured);
    return measured;
  };
  const full = await start({ kind: 'service', synchronous: 'full' });
  const reads = await compare('reads', full, read(full), '/predictions');
  const reject = (code: string, key: string) =>
    compare(`rejects ${code}`, full, order(full, key), '/refusals');
  const rejects = {
    unauthenticated: await reject('401', 'os_live_nobody'),
    insufficient_funds: await reject('402', full.keys.poor),
    rate_limited: await reject('429', full.keys.slow),
  };
  const memory = await measureMemory(full);
  const create = (name: string, server: Running) =>
    compare(name, server, order(server, server.keys.rich), '/predictions');
  const createsFull = await create('creates FULL', full);
  await full.stop();
  const normal = await start({ kind: 'service', synchronous: 'normal' });
  const createsNormal = await create('creates NORMAL', normal);
  await runLoad(order(normal, normal.keys.rich), { connections: CONNECTIONS, amount: QUEUED });
  const readsQueued = await compare('reads, many queued', normal, read(normal), '/predictions');
  const waiting = await compare(
    'reads of a waiting one',
    normal,
    read(normal, await newestOf(normal)),
    '/predictions',
  );
  const jobs = await countQueued(normal);
  await normal.stop();
  const again = await start({ kind: 'service', synchronous: 'normal' });
  return {
    reads,
    rejects,
    creates: { full: createsFull, normal: createsNormal },
    queued: {
      jobs,
      reads: readsQueued,
      reads_of_waiting: waiting,
      restart_ms: Math.round(again.startMs),
    },
    memory,
  };
}

function countAnswers({ statuses }: LoadResult): number {
  return Object.values(statuses).reduce((sum, count) => sum + count, 0);
}

async function measureMemory(server: Running) {
  const request = read(server);
  await runLoad(request, { connections: CONNECTIONS, amount: MEMORY_REQUESTS / 5 });
  const before = await server.usage();
  await runLoad(request, { connections: CONNECTIONS, amount: MEMORY_REQUESTS });
  const after = await server.usage();
  return {
    requests: MEMORY_REQUESTS,
    before_bytes: before.memoryBytes,
    after_bytes: after.memoryBytes,
  };
}

async function countQueued(server: Running): Promise<number> {
  const answer = await fetch(read(server, await newestOf(server)).url, {
    headers: { authorization: `Bearer ${server.keys.rich}` },
  });
  const { queue_position } = (await answer.json()) as { queue_position?: number };
  return (queue_position ?? 0) + 1;
}
