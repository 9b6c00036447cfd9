import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Order, Outcome } from './live.ts';
import { inWorkers } from './workers.ts';
import type { StoreName } from './worlds/world.ts';

/**
 * `npm run simulate -- --seeds 1000`: the service's life from so many seeds, over both stores, on all
 * processors. `--store sqlite|dynamo` takes one of them, `--from N` begins with another seed than the first.
 * `--seed N [--steps N] [--keep N,N]` replays one life, of certain steps. `--alone` lives all of them in this
 * process, and a failure's story is not shrunk. `--mutations [--only WORDS]` takes back rules, one after the
 * other, and says which of them the simulation misses.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    steps: { type: 'string', default: '80' },
    store: { type: 'string', default: 'sqlite,dynamo' },
    seed: { type: 'string' },
    keep: { type: 'string', default: '' },
    alone: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});

if (values.mutations) {
  const { tryMutations } = await import('./mutations/try-mutations.ts');
  process.exitCode = await tryMutations(values.only, values.store);
} else {
  process.exitCode = (await run()) ? 0 : 1;
}

/** Whether all lives held. */
async function run(): Promise<boolean> {
  const begun = Date.now();
  const seeds = values.seed === undefined ? Number(values.seeds) : 1;
  const stores = values.store.split(',') as StoreName[];
  const orders = ordersOf(stores, Number(values.seed ?? values.from), seeds);
  const counts = new Map(stores.map((store) => [store, { lives: 0, jobs: 0, faults: 0 }]));
  let failed = false;
  const next = (): Order | undefined => (failed ? undefined : orders.next().value);
  const onOutcome = ({ store }: Order, { jobs, faults, failure }: Outcome): void => {
    const count = counts.get(store);
    if (count !== undefined) {
      count.lives++;
      count.jobs += jobs;
      count.faults += faults;
    }
    if (failure === undefined) return;
    failed = true;
    process.stderr.write(failure);
  };

  if (values.alone || seeds === 1) {
    const { live } = await import('./live.ts');
    for (let order = next(); order !== undefined; order = next())
      onOutcome(order, await live(order));
  } else {
    await inWorkers(Math.min(seeds, availableParallelism()), next, onOutcome);
  }

  for (const [store, { lives, jobs, faults }] of counts) {
    process.stdout.write(`${store}: ${lives} seeds, ${jobs} jobs, ${faults} failed calls\n`);
  }
  const seconds = Math.max(1, Math.round((Date.now() - begun) / 1000));
  const rate = Math.round((seeds * stores.length * Number(values.steps)) / seconds);
  process.stdout.write(
    `${failed ? 'FAILED' : 'held'}: ${seeds} seeds × ${values.steps} steps over ` +
      `${values.store}, ${seconds} s, ${rate} steps a second\n`,
  );
  return !failed;
}

function* ordersOf(stores: readonly StoreName[], from: number, seeds: number): Generator<Order> {
  for (const store of stores) {
    for (let seed = from; seed < from + seeds; seed++) {
      yield {
        ...{ store, seed, steps: Number(values.steps), shrinks: !values.alone },
        ...(values.keep !== '' && { keep: values.keep.split(',').map(Number) }),
      };
    }
  }
}
