import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ROOT } from '#test/helpers/root.ts';
import type { BenchIo } from './bench.ts';
import { type LoadRequest, runLoad } from './load.ts';
import { order, type Running, read, startServer } from './measured-server.ts';

const CONNECTIONS = 100;
/** Turns of a second, after two of warming up. */
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
        cpu_micros: micros,
        of_other: round(micros.here / micros.there, 3),
        of_bare: round(micros.here / micros.bare, 3),
        other_of_bare: round(micros.there / micros.bare, 3),
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
): Promise<Readonly<Record<Name, number>>> {
  const spent = { bare: 0, here: 0, there: 0 };
  const answers = { bare: 0, here: 0, there: 0 };
  for (let turn = -WARM_UP_TURNS; turn < TURNS; turn++) {
    for (const name of ['bare', 'here', 'there'] as const) {
      signal.throwIfAborted();
      const server = servers[name];
      const before = spentMicros(server.pid);
      const load = { connections: CONNECTIONS, seconds: TURN_SECONDS };
      const { statuses } = await runLoad(requestOf(server, name), load);
      if (turn < 0) continue;
      spent[name] += spentMicros(server.pid) - before;
      answers[name] += Object.values(statuses).reduce((sum, count) => sum + count, 0);
    }
  }
  const micros = (name: Name): number => round(spent[name] / answers[name], 1);
  return { bare: micros('bare'), here: micros('here'), there: micros('there') };
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

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
