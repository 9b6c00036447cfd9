import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

/**
 * `npm run simulate -- --seeds 1000`: the service's life from so many seeds, over both stores, on all
 * processors. `--store sqlite|dynamo` takes one of them, `--from N` begins with another seed than the first.
 * `--seed N [--steps N] [--keep N,N]` replays one life, of certain steps. `--mutations [--only WORDS]` takes back
 * rules, one after the other, and says which of them the simulation misses.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    steps: { type: 'string', default: '80' },
    store: { type: 'string', default: 'sqlite,dynamo' },
    seed: { type: 'string' },
    keep: { type: 'string', default: '' },
    mutations: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});

if (values.mutations) {
  const { tryMutations } = await import('./mutations/try-mutations.ts');
  process.exitCode = await tryMutations(values.only, values.store);
} else {
  const begun = Date.now();
  const seeds = values.seed === undefined ? Number(values.seeds) : 1;
  const workers = Math.min(seeds, availableParallelism());
  const codes = await Promise.all(
    Array.from({ length: workers }, (_, worker) =>
      runWorker({
        SIMULATION_STORES: values.store,
        SIMULATION_FIRST: values.seed ?? String(Number(values.from) + worker),
        SIMULATION_SEEDS: String(Math.ceil((seeds - worker) / workers)),
        SIMULATION_STRIDE: String(workers),
        SIMULATION_STEPS: values.steps,
        SIMULATION_KEEP: values.keep,
      }),
    ),
  );
  process.exitCode = Math.max(...codes);
  const seconds = Math.max(1, Math.round((Date.now() - begun) / 1000));
  const lives = seeds * values.store.split(',').length;
  const rate = Math.round((lives * Number(values.steps)) / seconds);
  process.stdout.write(
    `${process.exitCode === 0 ? 'held' : 'FAILED'}: ${seeds} seeds × ${values.steps} steps over ` +
      `${values.store}, ${seconds} s, ${rate} steps a second\n`,
  );
}

function runWorker(env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    const words = ['vitest', 'run', '--project', 'simulation', '--reporter=dot'];
    const child = spawn('npx', words, { stdio: 'inherit', env: { ...process.env, ...env } });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
