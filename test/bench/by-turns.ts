import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ROOT } from '#test/helpers/root.ts';
import type { BenchIo } from './bench.ts';
import { type LoadRequest, runLoad } from './load.ts';
import { order, type Running, read, startServer } from './measured-server.ts';

const CONNECTIONS = 100;
/** Turns of a second, after two of warming up; the mean counts. */
const TURNS = 12;
const WARM_UP_TURNS = 2;
const TURN_SECONDS = 1;

type Name = 'bare' | 'here' | 'there';
type Servers = Readonly<Record<Name, Running>>;
type RequestOf = (server: Running, name: Name) => LoadRequest;

const refused =
  (keyOf: (server: Running) => string): RequestOf =>
  (server, name) =>
    toBare(server, name, order(server, keyOf(server)), '/refusals');

const REQUESTS: Readonly<Record<string, RequestOf>> = {
  reads: (server, name) => toBare(server, name, read(server), '/predictions'),
  '401': refused(() => 'os_live_nobody'),
  '402': refused(({ keys }) => keys.poor),
  '429': refused(({ keys }) => keys.slow),
  creates: (server, name) => toBare(server, name, order(server, server.keys.rich), '/predictions'),
};

/**
 * Compares the processor time of a request with that of another checkout, and with bare Hono: a second of
 * each in turn, so that whatever else the machine does weighs on all of them alike.
 *
 * @param against the other checkout's folder, with its packages installed; the option `kinds` names the
 *   requests (`reads,creates`), where not all of them are wanted
 */
export async function compareByTurns(
  against: string,
  { options, stdout, stderr }: BenchIo,
  signal: AbortSignal,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'onestep-bench-'));
  const start = (kind: 'bare' | 'service', name: Name, root: string) =>
    startServer({ kind, folder: join(folder, name), synchronous: 'full' }, root);
  const servers: Servers = {
    bare: await start('bare', 'bare', ROOT),
    here: await start('service', 'here', ROOT),
    there: await start('service', 'there', resolve(against)),
  };
  try {
    const rows = [];
    const kinds = options?.['kinds']?.split(',');
    for (const [name, requestOf] of Object.entries(REQUESTS)) {
      if (kinds?.includes(name) === false) continue;
      const micros = await measureKind(servers, requestOf, signal);
      const row = {
        request: name,
        cpu_micros: {
          bare: round(mean(micros.bare), 1),
          here: round(mean(micros.here), 1),
          there: round(mean(micros.there), 1),
        },
        of_other: ratio(micros.here, micros.there),
        of_bare: ratio(micros.here, micros.bare),
        other_of_bare: ratio(micros.there, micros.bare),
      };
      stderr.write(`${JSON.stringify(row)}\n`);
      rows.push(row);
    }
    stdout.write(`${JSON.stringify({ turns: TURNS, seconds: TURN_SECONDS, rows }, null, 2)}\n`);
  } finally {
    for (const server of Object.values(servers)) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureKind(
  servers: Servers,
  requestOf: RequestOf,
  signal: AbortSignal,
): Promise<Readonly<Record<Name, number[]>>> {
  const turns: Record<Name, number[]> = { bare: [], here: [], there: [] };
  for (let turn = -WARM_UP_TURNS; turn < TURNS; turn++) {
    for (const name of ['bare', 'here', 'there'] as const) {
      signal.throwIfAborted();
      const micros = await cpuMicros(servers[name], requestOf(servers[name], name));
      if (turn >= 0) turns[name].push(micros);
    }
  }
  return turns;
}

async function cpuMicros(server: Running, request: LoadRequest): Promise<number> {
  const before = spentMicros(server.pid);
  const load = { connections: CONNECTIONS, seconds: TURN_SECONDS };
  const { statuses } = await runLoad(request, load);
  const spent = spentMicros(server.pid) - before;
  return spent / Object.values(statuses).reduce((sum, count) => sum + count, 0);
}

/**
 * The processor time of a process, as the kernel counts it in hundredths of a second. To ask the server
 * itself would make it collect its garbage, which takes as long as a turn.
 */
function spentMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) * 10_000;
}

function toBare(server: Running, name: Name, request: LoadRequest, path: string): LoadRequest {
  return name === 'bare' ? { ...request, url: server.url + path } : request;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const ratio = (ours: readonly number[], theirs: readonly number[]): number =>
  round(mean(ours) / mean(theirs), 3);

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
