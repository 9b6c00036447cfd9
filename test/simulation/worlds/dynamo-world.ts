import { createDynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import type { Job } from '#shared/core/job.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createGpuStandIn } from '#test/helpers/gpu-stand-in.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import { createMemoryBlobs } from '#test/helpers/memory-blobs.ts';
import { createMemoryDynamo } from '#test/helpers/memory-dynamo/memory-dynamo.ts';
import { tableOver } from '#test/helpers/memory-dynamo/open-memory-table.ts';
import { createServices } from '#test/helpers/world.ts';
import { createSdkClient } from './sdk-client.ts';
import type { SimulatedWorld, WorldOptions } from './world.ts';

/** APIs, dispatchers and sweeps over the same table. */
const PROCESSES = 3;
/** An index hears of three changes in ten only after a while, in simulated time. */
const LAGGING = 0.3;
const LONGEST_LAG_MS = 3000;
const MOST_TURNS = 6;
const MOST_TURNS_TO_DEATH = 60;
/** Many times what a life of 200 steps takes. */
const MOST_CALLS = 100_000;

/** Several processes over one table in memory, whose indexes lag and whose transactions collide. */
export async function createDynamoWorld(options: WorldOptions): Promise<SimulatedWorld> {
  const { weather } = options;
  const clock = createManualClock();
  const randomBytes = createCountedBytes();
  const blobs = createMemoryBlobs();
  const gpu = createGpuStandIn(blobs, options);
  const errors: unknown[] = [];
  let [tokens, turn, calls, caughtUp] = [0, 0, 0, false];
  const service = createMemoryDynamo({
    now: () => (caughtUp ? Number.POSITIVE_INFINITY : clock.now()),
    lagMs: () => {
      const { random } = weather;
      return random?.chance(LAGGING) ? random.below(LONGEST_LAG_MS) : 0;
    },
    pause: async () => {
      const turns = weather.random?.below(MOST_TURNS) ?? 0;
      for (let i = 0; i < turns; i++) await undefined;
    },
    unprocessed: (keys) => (keys > 1 && weather.random?.chance(0.02) ? 1 : 0),
    shortPage: () => weather.random?.chance(0.05) ?? false,
  });

  const send = (command: unknown): Promise<unknown> => {
    if (++calls > MOST_CALLS) throw new Error('the service asks its table for ever');
    return service.send(command);
  };

  const shared = { clock, randomBytes, waitingLineMs: 0, grantsInAccount: 3 };
  const stores = createDynamoStores({ table: tableOver(send), ...shared });
  const start = () => {
    const client = createSdkClient({ send }, weather, () => `token-${tokens++}`);
    const table = tableOver(client.send);
    const parts = {
      stores: createDynamoStores({ table, ...shared }),
      blobs,
      queue: gpu.queue,
      clock,
      randomBytes,
      errors,
    };
    return { client, services: createServices(parts, options) };
  };
  const processes = Array.from({ length: PROCESSES }, start);
  const next = () => turn++ % PROCESSES;

  return {
    processes: PROCESSES,
    clock,
    randomBytes,
    blobs,
    gpu,
    stores,
    errors,
    get services() {
      return (processes[next()] ?? start()).services;
    },
    async allJobs() {
      return service.table
        .items()
        .filter((item) => String(item['pk']).startsWith('JOB#'))
        .map((item) => item['job'] as Job)
        .filter(({ payment }) => payment === undefined);
    },
    state: () => `${service.table.writes()} ${clock.now()}`,
    beginTurns(random) {
      turn = random.below(PROCESSES);
    },
    async restart(random) {
      for (let turns = random?.below(MOST_TURNS_TO_DEATH) ?? 0; turns > 0; turns--) await undefined;
      const place = next();
      processes[place]?.client.die();
      processes[place] = start();
    },
    catchUp() {
      caughtUp = true;
    },
    async close() {},
  };
}
