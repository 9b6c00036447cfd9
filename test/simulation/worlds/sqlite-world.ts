import { existsSync, rmSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Database from 'libsql';
import { DATABASE_FILE, openSqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createGpuStandIn } from '#test/helpers/gpu-stand-in.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import { createMemoryBlobs } from '#test/helpers/memory-blobs.ts';
import { createServices } from '#test/helpers/world.ts';
import { ACCOUNTS, type SimulatedWorld, type WorldOptions } from './world.ts';

/** In memory where there is such a folder: a disk only slows the simulation down. */
const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** Turns of the event loop that the others of a step have before a death: each is good for one write. */
const MOST_TURNS = 6;
/** The clock is simulated: nobody waits by the real one. */
const LAZY_MS = 0;
let template: Promise<string> | undefined;

/** One process, to which its database belongs; when it dies, what was not written is gone. */
export async function createSqliteWorld(options: WorldOptions): Promise<SimulatedWorld> {
  template ??= makeTemplate();
  const folder = await mkdtemp(join(PARENT, 'onestep-simulation-'));
  await copyFile(await template, join(folder, DATABASE_FILE));
  const clock = createManualClock();
  const randomBytes = createCountedBytes();
  const blobs = createMemoryBlobs();
  const errors: unknown[] = [];
  const start = () => {
    const stores = openSqliteStores({
      ...{ folder, synchronous: 'normal', lazyMs: LAZY_MS, clock, randomBytes },
    });
    const gpu = createGpuStandIn(blobs, options);
    const parts = { stores, blobs, queue: gpu.queue, clock, randomBytes, errors };
    return { stores, gpu, services: createServices(parts, options) };
  };
  let process = start();
  // Its version changes with each commit of another connection.
  const watch = new Database(join(folder, DATABASE_FILE));
  const version = watch.prepare('PRAGMA data_version');
  return {
    processes: 1,
    clock,
    randomBytes,
    blobs,
    errors,
    get stores() {
      return process.stores;
    },
    get gpu() {
      return process.gpu;
    },
    get services() {
      return process.services;
    },
    async allJobs() {
      const lists = ACCOUNTS.map((account) => process.stores.jobs.list({ account, limit: 10_000 }));
      return (await Promise.all(lists)).flat();
    },
    state: () => `${(version.get() as { data_version: number }).data_version} ${clock.now()}`,
    beginTurns() {},
    async restart(random) {
      for (let turns = random?.below(MOST_TURNS) ?? 0; turns > 0; turns--) await nextTurn();
      process.stores.close();
      process = start();
      await process.services.dispatcher.recover();
    },
    catchUp() {},
    async close() {
      watch.close();
      process.stores.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** An empty database, made once: its tables take longer than a life on them. */
async function makeTemplate(): Promise<string> {
  const folder = await mkdtemp(join(PARENT, 'onestep-simulation-'));
  const made = join(folder, 'made');
  await mkdir(made);
  const clock = createManualClock();
  const randomBytes = createCountedBytes();
  openSqliteStores({ folder: made, synchronous: 'normal', clock, randomBytes }).close();
  globalThis.process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return join(made, DATABASE_FILE);
}
