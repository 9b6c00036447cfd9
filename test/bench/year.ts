import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSweep } from '#shared/service/domain/sweep.ts';
import { ledgerDifference } from '#shared/core/ledger.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import { DAY, fund, PRICE } from '#test/helpers/samples.ts';
import { openSqliteStores, type SqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import type { Bench, BenchIo } from './bench.ts';
import { operationsOf } from './operations.ts';
import { timeTurns } from './turns.ts';
import { liveDay, writeForgottenDays } from './year-days.ts';

/** What a deployment keeps by default. */
const RETENTION_DAYS = 7;
const RECORD_DAYS = 90;
/** Days whose rows are all there, or half gone; those before have left their ledger entries alone. */
const LIVED_DAYS = RETENTION_DAYS + RECORD_DAYS + 3;
const START = Date.UTC(2025, 10, 27);

export const yearBench: Bench = {
  summary:
    'a year of predictions in one database: its size, its start, reads, and the longest turn',
  async run(io) {
    const folder = mkdtempSync(join(tmpdir(), 'onestep-year-'));
    try {
      await measure(folder, io);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function measure(folder: string, { options = {}, stdout, stderr }: BenchIo): Promise<void> {
  const days = Number(options['days'] ?? 365);
  const images = Number(options['images'] ?? 10_000);
  const file = join(folder, 'onestep.sqlite');
  const megabytes = () => Math.round(statSync(file).size / 1e6);
  const clock = createManualClock(START);
  const open = () =>
    openSqliteStores({
      folder,
      synchronous: 'normal',
      clock,
      randomBytes: createCountedBytes('y'),
    });
  let stores = open();
  await fund(stores.ledger, days * images * PRICE * 2);
  stores.close();
  const forgotten = Math.max(0, days - LIVED_DAYS);
  writeForgottenDays(file, { from: START, days: forgotten, images });
  clock.advance(forgotten * DAY);
  stderr.write(`${forgotten} days of ledger entries: ${megabytes()} MB\n`);
  stores = open();
  for (let day = forgotten; day < days; day++) {
    await liveDay(stores, clock, images);
    await sweep(stores, clock.now());
    if (day % 10 === 9) stderr.write(`day ${day + 1}: ${megabytes()} MB\n`);
  }
  const totals = await stores.ledger.totals();
  if (ledgerDifference(totals) !== 0) throw new Error('the ledger does not add up');
  stores.close();
  const startedAt = performance.now();
  stores = open();
  const startMs = performance.now() - startedAt;
  const document = {
    days,
    images_a_day: images,
    file_mb: megabytes(),
    start_ms: Math.round(startMs),
    operations: await timeAll(stores, clock.now(), images),
  };
  stores.close();
  stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

/** As the server does it, every half a minute; here until nothing is left to do. */
async function sweep(stores: SqliteStores, now: number): Promise<void> {
  const { jobs, ledger, records } = stores;
  const service = createSweep({
    jobs,
    ledger,
    records,
    queue: { cancel: async () => undefined },
    settlement: {
      cancelJob: async () => undefined,
      reconcile: async () => undefined,
      settleFromStorage: async () => undefined,
      removeJobData: async (id) => (await jobs.removeData(id, now)).job,
    },
    settings: {
      graceMs: 0,
      runningCancelsPerHour: 0,
      retentionMs: RETENTION_DAYS * DAY,
      recordMs: RECORD_DAYS * DAY,
      limit: 200,
    },
    onError: (error) => {
      throw error;
    },
  });
  while ((await service.sweep(now)).forgotten > 0);
}

/** Reads and the sweep's own questions, each with its longest turn of the event loop. */
async function timeAll(stores: SqliteStores, now: number, images: number) {
  const rows = [];
  for (const [name, run] of await operationsOf(stores, now, images)) {
    rows.push({ name, ...(await timeTurns(run)) });
  }
  return rows;
}
