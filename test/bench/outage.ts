import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createSafeFetch } from '#shared/adapters/http/safe-fetch.ts';
import { openSqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import {
  createNotebook,
  DOWN,
  liveThroughOutage,
  OUTAGE_MS,
  type OutageTime,
  WELL,
} from '#test/helpers/outage/outage.ts';
import { MINUTE } from '#test/helpers/samples.ts';
import type { Bench, BenchIo } from './bench.ts';

const PREDICTIONS = 5000;
const MINUTES = 3;
/** For so long a receiver keeps a request that it will not answer, of the six hours. */
const HANGS_MS = 15_000;
/** By the real clock: this machine may be slow, and the receivers are on it. */
const TIMEOUT_MS = 5000;
const POLL_MS = 1000;

export const outageBench: Bench = {
  summary:
    'six hours in which a receiver of webhooks is out, in minutes: what is lost, and who else waits',
  async run(io) {
    const folder = mkdtempSync(join(tmpdir(), 'onestep-outage-'));
    try {
      await measure(folder, io);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function measure(folder: string, { options = {}, stdout, stderr }: BenchIo): Promise<void> {
  const speed = OUTAGE_MS / (Number(options['minutes'] ?? MINUTES) * MINUTE);
  const predictions = Number(options['predictions'] ?? PREDICTIONS);
  const time = createFastTime(speed);
  const { clock } = time;
  const notebook = createNotebook();
  const begun = clock.now();
  const receivers = [
    await startReceiver(notebook.note, time, () => begun + OUTAGE_MS - clock.now()),
    await startReceiver(notebook.note, time, () => 0),
  ] as const;
  const stores = openSqliteStores({ folder, clock, randomBytes: createCountedBytes() });
  const { othersDelaysMs, errors, ...report } = await liveThroughOutage({
    ...{ stores, time, predictions },
    pollMs: POLL_MS * speed,
    urls: { [DOWN]: receivers[0].url, [WELL]: receivers[1].url },
    send: createSafeFetch({ allowLocal: true, timeoutMs: TIMEOUT_MS }),
  });
  for (const receiver of receivers) receiver.stop();
  stores.close();
  for (const error of errors.slice(0, 3)) stderr.write(`${error}\n`);
  const real = othersDelaysMs.map((ms) => ms / speed).sort((a, b) => a - b);
  const at = (share: number) => Math.round(real[Math.floor(share * (real.length - 1))] ?? 0);
  const document = {
    ...{ predictions, minutes: OUTAGE_MS / speed / MINUTE, ...report, errors: errors.length },
    told: notebook.predictions(),
    told_of_start_after_end: notebook.outOfOrder(),
    others_real_ms: { p50: at(0.5), p99: at(0.99), longest: at(1) },
  };
  stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  if (report.lost + errors.length + notebook.outOfOrder() > 0) process.exitCode = 1;
}

/** A clock that runs so many times as fast as the real one. */
function createFastTime(speed: number): OutageTime {
  const begun = performance.now();
  const start = Date.now();
  return {
    clock: { now: () => Math.round(start + (performance.now() - begun) * speed) },
    sleep: async (ms) => {
      await wait(Math.max(0, ms) / speed);
    },
  };
}

/** Keeps requests and closes them for the first half of an outage, refuses in the second, and then takes everything. */
async function startReceiver(
  note: (id: string, event: string) => void,
  time: OutageTime,
  outFor: () => number,
): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer((incoming, outgoing) => {
    let body = '';
    incoming.on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', async () => {
      if (outFor() > OUTAGE_MS / 2) {
        await time.sleep(HANGS_MS);
        return outgoing.destroy();
      }
      if (outFor() <= 0) note(JSON.parse(body).id, String(incoming.headers['webhook-event']));
      return outgoing.writeHead(outFor() > 0 ? 503 : 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
