import type { JobId } from '#shared/core/ids.ts';
import { expectNoExpiredCreditSpent } from '#test/helpers/invariant.ts';
import { fund, HOUR, PRICE, restartSampleIds } from '#test/helpers/samples.ts';
import { GRACE_MS, RETENTION_MS } from '#test/helpers/world.ts';
import { createBooks } from './books.ts';
import { createCards } from './cards.ts';
import { ACCOUNT_QUEUE, attempt, createClients, isInjected, STOPS_PER_HOUR } from './clients.ts';
import { createFaultyPorts } from './faulty-ports.ts';
import {
  calm,
  end,
  expectBudgets,
  expectFairTurns,
  expectFencing,
  expectToldOfEnds,
  expectOpenCounts,
  expectSettled,
  fundAll,
} from './finale.ts';
import { createMachines } from './machines.ts';
import { mustBe } from './must.ts';
import { createPayers } from './payers.ts';
import { createPayments } from './payments.ts';
import { createRandom, type Random, seedOf } from './random.ts';
import { createReceivers } from './receivers.ts';
import { createSimulatedChain, type SimulatedChain } from './simulated-chain.ts';
import { expectLanes } from './slow-receivers.ts';
import { createDynamoWorld } from './worlds/dynamo-world.ts';
import { createSqliteWorld } from './worlds/sqlite-world.ts';
import { ACCOUNTS, type SimulatedWorld, type StoreName, type Weather } from './worlds/world.ts';

export interface Run {
  readonly store: StoreName;
  readonly seed: number;
  readonly steps: number;
  /** The steps that are made; all where absent. */
  readonly keep?: ReadonlySet<number>;
}

export interface Report {
  readonly jobs: number;
  readonly faults: number;
  /** What the steps did, for whoever reads a failure. */
  readonly story: readonly string[];
  readonly failure?: { readonly step: number | 'end'; readonly error: Error };
}

/** Credit that lasts, by account; the rest is paid on the way. */
const CREDIT = [3 * PRICE, PRICE, 0] as const;
/** Steps beside which others go on, and such as are made twice at once, of the same thing. */
const BESIDE = 0.3;
const TWICE = 0.15;

/** It takes as long as the rest of a life. */
const LANES_EVERY = 10;

interface Action {
  readonly name: string;
  readonly act: (random: Random) => Promise<unknown>;
}

const WORLDS = { sqlite: createSqliteWorld, dynamo: createDynamoWorld } as const;

/** Everything that happens to the service, each as often as its weight says. */
function actionsOf(world: SimulatedWorld, weather: Weather, chain: SimulatedChain) {
  const clients = createClients(world, weather);
  const payments = createPayments(world);
  const cards = createCards(world, weather);
  const payers = createPayers(world, chain);
  const machines = createMachines(world, RETENTION_MS);
  const receivers = createReceivers(world);
  const now = () => world.clock.now();
  const ofAJob = (act: (id: JobId) => Promise<unknown>) => async (random: Random) => {
    const jobs = clients.jobs();
    const id = jobs[random.below(jobs.length)];
    return id === undefined ? undefined : act(id);
  };
  const weighted: readonly (readonly [number, string, Action['act']])[] = [
    [12, 'order', clients.order],
    [6, 'ask again', clients.retry],
    [2, 'misuse a key', clients.misuse],
    [12, 'dispatch', () => world.services.dispatcher.dispatchOnce()],
    [12, 'finish a run', machines.finish],
    [12, 'hand in a report', machines.deliver],
    [2, 'start', ofAJob((id) => world.services.settlement.applyStart(id, now()))],
    [2, 'progress', ofAJob((id) => world.services.settlement.applyProgress(id, 1))],
    [4, 'cancel', ofAJob(clients.cancel)],
    [2, 'erase', ofAJob(clients.erase)],
    [2, 'reconcile', ofAJob((id) => world.services.settlement.reconcile(id))],
    [2, 'renew leases', () => world.services.dispatcher.renewLeases()],
    [6, 'sweep', () => world.services.sweep.sweep(now())],
    [6, 'deliver webhooks', receivers.deliverDue],
    [1, 'die', (random) => world.restart(random)],
    [6, 'wait', async (random) => world.clock.advance(random.pick(WAITS))],
    [8, 'pay', payments.pay],
    [2, 'announce again', payments.announceAgain],
    [3, 'pay by card', cards.pay],
    [4, 'take back', cards.takeBack],
    [1, 'give back', cards.giveBack],
    [3, 'tell of a card again', cards.tellAgain],
    [8, 'order with a payment', payers.order],
    [4, 'order with it again', payers.retry],
    [6, 'ask for what was paid', payers.ask],
    [1, 'cancel what is paid', payers.cancel],
    [4, 'meddle with wallets', payers.meddle],
  ];
  const all = weighted.flatMap(([weight, name, act]) =>
    Array.from({ length: weight }, (): Action => ({ name, act })),
  );
  const choose = (random: Random): Action => all[random.below(all.length)] as Action;
  return { clients, machines, receivers, payments, cards, payers, choose };
}

/** What goes on at one time: nearly always one thing. */
function chooseSome(choose: (random: Random) => Action, random: Random) {
  const { name, act } = choose(random);
  if (random.chance(TWICE)) {
    const seed = random.below(2 ** 31);
    const copy = { name, act: () => act(createRandom(seed)) };
    return random.chance(0.5) ? [copy, copy] : [copy, copy, copy];
  }
  const chosen = [{ name, act: () => act(random) }];
  while (chosen.length < 3 && random.chance(BESIDE)) {
    const beside = choose(random);
    chosen.push({ name: beside.name, act: () => beside.act(random) });
  }
  return chosen;
}

/** In one life of so many, the death of all processes amid settlements is tried. */
const LIVES_A_DEATH = 4;
const WAITS = [1, 1000, 31_000, GRACE_MS, 300_000] as const;

/** Lives through the life of a service from a seed, and checks after each step what must always hold. */
export async function simulate({ store, seed, steps, keep }: Run): Promise<Report> {
  restartSampleIds();
  const weather: Weather = { random: undefined, failed: 0 };
  const chain = createSimulatedChain(weather, () => world.clock.now());
  const world: SimulatedWorld = await WORLDS[store]({
    weather,
    gateway: chain.gateway,
    wrap: createFaultyPorts(weather),
    accountQueueLimit: ACCOUNT_QUEUE,
    runningCancelsPerHour: STOPS_PER_HOUR,
    lanes: 3,
  });
  const actions = actionsOf(world, weather, chain);
  const books = createBooks(world);
  const story: string[] = [];
  let step: number | 'end' = 0;
  let checked = '';
  const report = () => ({ jobs: actions.clients.jobs().length, faults: weather.failed, story });
  try {
    for (const [i, credit] of CREDIT.entries())
      await fund(world.stores.ledger, credit, ACCOUNTS[i]);
    for (step = 0; step < steps; step++) {
      if (keep !== undefined && !keep.has(step)) continue;
      const random = createRandom(seedOf(seed, step));
      const chosen = chooseSome(actions.choose, random);
      story.push(`${step}: ${chosen.map(({ name }) => name).join(' beside ')}`);
      world.beginTurns(random);
      weather.random = random;
      const ends = await Promise.allSettled(chosen.map(({ act }) => attempt(act)));
      weather.random = undefined;
      for (const ended of ends) if (ended.status === 'rejected') throw ended.reason;
      const state = `${world.state()} ${chain.uses()}`;
      // Most steps change nothing.
      if (state === checked) continue;
      await books.check();
      await actions.payers.check();
      checked = state;
    }
    step = 'end';
    await finish(world, actions, seed);
    await books.check({ whole: true });
    return report();
  } catch (error) {
    return { ...report(), failure: { step, error: error as Error } };
  } finally {
    await world.close();
  }
}

/** Nothing fails any more; then each promise is looked at. */
async function finish(
  world: SimulatedWorld,
  { clients, machines, payments, cards, payers, receivers }: ReturnType<typeof actionsOf>,
  seed: number,
): Promise<void> {
  world.catchUp();
  await expectOpenCounts(world);
  await calm(world);
  await end(world, clients);
  await expectSettled(world);
  await machines.expectFair(clients);
  await machines.deliverAll();
  await machines.expectNoStrays();
  await expectSettled(world);
  await expectNoExpiredCreditSpent(world.stores.ledger);
  await clients.expectKept();
  await payments.announceAll();
  await cards.finish();
  await payers.finish();
  const before = CREDIT.reduce((sum, credit) => sum + credit, 0);
  await payments.expectOnce(before + cards.granted() + payers.paid());
  await fundAll(world);
  await expectBudgets(world);
  await expectFairTurns(world);
  await expectFencing(world);
  await fundAll(world);
  if (seed % LIVES_A_DEATH === 1) await expectToldOfEnds(world);
  await receivers.deliverAll();
  await receivers.expectTold();
  world.clock.advance(RETENTION_MS + HOUR);
  await world.services.sweep.sweep(world.clock.now());
  mustBe((await world.blobs.list('outputs/')).join(), '', 'what is left in storage');
  const unasked = world.errors.filter((error) => !isInjected(error));
  mustBe(unasked.join(), '', 'faults that nobody injected');
  if (seed % LANES_EVERY === 0) await expectLanes(world);
}
