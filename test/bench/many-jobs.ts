import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchIo } from './bench.ts';
import { type LoadRequest, type LoadResult, runLoad } from './load.ts';
import { newestOf, order, type Running, read, startServer } from './measured-server.ts';
import { median } from './median.ts';

const CONNECTIONS = 100;
/** Turns of three seconds, after one of warming up; the median counts. */
const TURNS = 5;
const TURN_SECONDS = 3;

type RequestOf = (server: Running) => LoadRequest | Promise<LoadRequest>;

const REQUESTS: Readonly<Record<string, RequestOf>> = {
  reads: (server) => read(server),
  'reads of a waiting one': async (server) => read(server, await newestOf(server)),
  '402': (server) => order(server, server.keys.poor),
  creates: (server) => order(server, server.keys.rich),
};

/**
 * Compares the latencies of a server whose table has so many jobs, all waiting, with those of one that
 * has none: three seconds of each, by turns.
 */
export async function compareManyJobs(
  jobs: number,
  { stdout, stderr }: BenchIo,
  signal: AbortSignal,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'onestep-bench-'));
  const start = (name: string) =>
    startServer({ kind: 'service', folder: join(folder, name), synchronous: 'normal' });
  const [empty, full] = [await start('empty'), await start('full')];
  try {
    await runLoad(order(full, full.keys.rich), { connections: CONNECTIONS, amount: jobs });
    const rows = [];
    for (const [request, requestOf] of Object.entries(REQUESTS)) {
      const results = await measureTurns([empty, full], requestOf, signal);
      const row = { request, p50: compare(results, 'p50'), p99: compare(results, 'p99') };
      stderr.write(`${JSON.stringify(row)}\n`);
      rows.push(row);
    }
    stdout.write(
      `${JSON.stringify({ jobs, turns: TURNS, seconds: TURN_SECONDS, rows }, null, 2)}\n`,
    );
  } finally {
    await Promise.all([empty.stop(), full.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

type Results = readonly [empty: readonly LoadResult[], full: readonly LoadResult[]];

async function measureTurns(
  servers: readonly [Running, Running],
  requestOf: RequestOf,
  signal: AbortSignal,
): Promise<Results> {
  const results: [LoadResult[], LoadResult[]] = [[], []];
  for (let turn = -1; turn < TURNS; turn++) {
    // Each is first by turns: what one leaves to collect or to write delays the next.
    const both = [...servers.entries()];
    for (const [index, server] of turn % 2 === 0 ? both : both.reverse()) {
      signal.throwIfAborted();
      const request = await requestOf(server);
      const result = await runLoad(request, { connections: CONNECTIONS, seconds: TURN_SECONDS });
      if (turn >= 0) results[index]?.push(result);
    }
  }
  return results;
}

/** The medians in milliseconds, and their ratio. */
function compare([empty, full]: Results, name: 'p50' | 'p99') {
  const medianOf = (results: readonly LoadResult[]) => median(results.map((one) => one[name]));
  const [without, withJobs] = [medianOf(empty), medianOf(full)];
  return { empty: without, full: withJobs, ratio: Number((withJobs / without).toFixed(2)) };
}
