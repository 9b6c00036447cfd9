import { createHash } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { randomBytes } from '#functions/local/random-bytes.ts';
import { openSqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { systemClock } from '#shared/core/clock.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import {
  type RunningServer,
  removeFolder,
  spawnServer,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';

/** How often the server is killed; `ONESTEP_KILL_ROUNDS` asks for more. */
const ROUNDS = Number(process.env['ONESTEP_KILL_ROUNDS'] ?? 3);
const ROUND_MS = 6000;
const PRICE = 4000;

interface Prediction {
  readonly id: string;
  readonly status: string;
  readonly cost: number | null;
  readonly output: string[] | null;
  readonly receipt: { images: { sha256: string }[] } | null;
}

const data = temporaryFolder();
afterAll(() => removeFolder(data));

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Orders, reads and cancels until the server is gone; notes what it accepted. */
async function load(server: RunningServer, accepted: Set<string>, signal: AbortSignal) {
  const worker = async (number: number) => {
    for (let i = 0; !signal.aborted; i++) {
      const images = 1 + ((number + i) % 2);
      const response = await server.send('/v1/predictions', {
        json: {
          input: { prompt: `${number} ${i}`, width: 64, height: 64, num_outputs: images },
        },
        headers: { 'idempotency-key': `${server.pid}-${number}-${i >> 1}` },
        signal,
      });
      if (response.status !== 201) continue;
      const { id } = (await response.json()) as Prediction;
      accepted.add(id);
      if (i % 5 === 4)
        await server.send(`/v1/predictions/${id}/cancel`, { method: 'POST', signal });
      else await server.send(`/v1/predictions/${id}`, { signal });
      await sleep(100 + Math.random() * 100);
    }
  };
  // A killed server ends every request with an error: that is the point.
  await Promise.allSettled([0, 1, 2].map(worker));
}

async function all(server: RunningServer): Promise<readonly Prediction[]> {
  const found: Prediction[] = [];
  for (let url: string | null = '/v1/predictions'; url !== null; ) {
    const page = (await (await server.send(url)).json()) as {
      next: string | null;
      results: Prediction[];
    };
    found.push(...page.results);
    url = page.next;
  }
  return found;
}

test(`killed ${ROUNDS} times under load, it loses no accepted job and charges for nothing else`, {
  timeout: 120_000 + ROUNDS * ROUND_MS * 3,
}, async () => {
  const accepted = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    // Every third one is killed while it starts.
    if (round % 3 === 2) {
      const early = spawnServer({ data });
      await sleep(Math.random() * 2500);
      await early.end('SIGKILL');
      continue;
    }
    const server = await startServer({ data, env: { ONESTEP_DEMO_CREDIT: '100000000' } });
    const control = new AbortController();
    const loaded = load(server, accepted, control.signal);
    await sleep(500 + Math.random() * 2000);
    await server.end('SIGKILL');
    control.abort();
    await loaded;
  }
  expect(accepted.size).toBeGreaterThan(ROUNDS);

  const server = await startServer({ data });
  let predictions = await all(server);
  while (predictions.some(({ status }) => ['starting', 'processing'].includes(status))) {
    await sleep(200);
    predictions = await all(server);
  }
  const known = new Map(predictions.map((prediction) => [prediction.id, prediction]));
  for (const id of accepted) expect(known.has(id), `accepted job ${id}`).toBe(true);
  let captured = 0;
  for (const { id, status, cost, output, receipt } of predictions) {
    const images = output ?? [];
    captured += Number(cost);
    expect(cost, `cost of ${status} ${id}`).toBe(images.length * PRICE);
    if (status === 'succeeded') expect(images.length).toBeGreaterThan(0);
    for (const [i, url] of images.entries()) {
      const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect(sha256, `image ${i} of ${id}`).toBe(receipt?.images[i]?.sha256);
    }
  }
  expect(await server.end('SIGTERM')).toBe(0);

  const stores = openSqliteStores({ folder: data, clock: systemClock, randomBytes });
  await expectInvariant(stores.ledger);
  const totals = await stores.ledger.totals();
  stores.close();
  expect(totals.held).toBe(0);
  expect(totals.captured).toBe(captured);
});
