import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import {
  createNotebook,
  DOWN,
  liveThroughOutage,
  OUTAGE_MS,
  WELL,
} from '#test/helpers/outage/outage.ts';
import { createSimulatedTime } from '#test/helpers/outage/simulated-time.ts';

/** How many end meanwhile; `ONESTEP_OUTAGE_PREDICTIONS` asks for more. */
const PREDICTIONS = Number(process.env['ONESTEP_OUTAGE_PREDICTIONS'] ?? 500);
const TIMEOUT_MS = 15_000;
const ANSWER_MS = 100;
const urls = {
  [DOWN]: 'https://down.example.com/hook',
  [WELL]: 'https://well.example.com/hook',
};

test(`after six hours in which a receiver hangs and then refuses, ${PREDICTIONS} ends are told, in order, and nobody else waited`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onestep-outage-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const time = createSimulatedTime();
  const { clock, sleep } = time;
  const opened = openSqliteStores({
    ...{ folder, synchronous: 'normal', lazyMs: 0, clock },
    randomBytes: createCountedBytes(),
  });
  onTestFinished(() => opened.close());
  const stores = {
    jobs: time.awaited(opened.jobs),
    ledger: opened.ledger,
    outbox: time.awaited(opened.outbox),
  };
  const begun = clock.now();
  const notebook = createNotebook();
  const run = liveThroughOutage({
    ...{ stores, time, urls, predictions: PREDICTIONS, pollMs: 10_000 },
    async send(url, { headers, body }) {
      const outFor = url === urls[DOWN] ? begun + OUTAGE_MS - clock.now() : 0;
      await sleep(outFor > OUTAGE_MS / 2 ? TIMEOUT_MS : ANSWER_MS);
      if (outFor > OUTAGE_MS / 2) return { kind: 'failed', failure: 'timeout' };
      if (outFor > 0) return { kind: 'answered', status: 503, headers: {} };
      notebook.note(JSON.parse(body).id, headers['webhook-event'] ?? '');
      return { kind: 'answered', status: 204, headers: {} };
    },
  });
  const { othersDelaysMs, attempts, ...report } = await time.until(run);

  expect(report).toMatchObject({
    ...{ pendingAfterOutage: PREDICTIONS, lost: 0, givenUp: 0, errors: [] },
  });
  expect(attempts).toBeGreaterThan(3 * PREDICTIONS);
  expect(notebook.predictions()).toBe(PREDICTIONS + othersDelaysMs.length / 2);
  expect(notebook.outOfOrder()).toBe(0);
  expect(othersDelaysMs).toHaveLength((2 * OUTAGE_MS) / 60_000);
  expect(Math.max(...othersDelaysMs)).toBeLessThanOrEqual(1000);
}, 600_000);
