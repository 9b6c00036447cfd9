import { expect } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import { isTerminal } from '#shared/core/job.ts';
import { expectInvariant, expectNoExpiredCreditSpent } from '#test/helpers/invariant.ts';
import { fund, HOUR, OTHER_ACCOUNT, PRICE } from '#test/helpers/samples.ts';
import {
  createWorld,
  DEADLINE_MS,
  expectAllSettled,
  GRACE_MS,
  RETENTION_MS,
  type World,
} from '#test/helpers/world.ts';
import { ACCOUNT_QUEUE, attempt, type Clients, createClients, isInjected } from './clients.ts';
import { createFaultyPorts } from './faulty-ports.ts';
import { createMachines } from './machines.ts';
import { createPayments } from './payments.ts';
import { createRandom, type Random, seedOf } from './random.ts';
import { createReceivers } from './receivers.ts';

export interface Run {
  readonly seed: number;
  readonly steps: number;
  /** Steps that are left out. */
  readonly skip?: ReadonlySet<number>;
}

export interface Report {
  readonly jobs: number;
  readonly faults: number;
  readonly failure?: { readonly step: number | 'end'; readonly error: Error };
}

const CREDIT = 3 * PRICE;
const OTHER_CREDIT = PRICE;
/** Longer than a claim lasts that nobody renews. */
const AFTER_CLAIMS_MS = 31_000;

type Action = (random: Random) => Promise<unknown>;

/** Everything that happens to the service, each as often as its weight says. */
function actionsOf(world: World, options: Parameters<World['restart']>[0]) {
  const clients = createClients(world);
  const payments = createPayments(world);
  const machines = createMachines(world);
  const receivers = createReceivers(world, options?.wrap ?? ((_name, port) => port));
  const now = () => world.clock.now();
  const ofAJob =
    (act: (id: JobId, random: Random) => Promise<unknown>): Action =>
    async (random) => {
      const jobs = clients.jobs();
      const id = jobs[random.below(jobs.length)];
      return id === undefined ? undefined : act(id, random);
    };
  const weighted: readonly (readonly [number, Action])[] = [
    [6, clients.order],
    [2, clients.retry],
    [1, clients.misuse],
    [6, () => world.services.dispatcher.dispatchOnce()],
    [6, machines.finish],
    [6, machines.deliver],
    [1, ofAJob((id) => world.services.settlement.applyStart(id, now()))],
    [1, ofAJob((id) => world.services.settlement.applyProgress(id, 1))],
    [2, ofAJob(clients.cancel)],
    [1, ofAJob(clients.erase)],
    [1, ofAJob((id) => world.services.settlement.reconcile(id))],
    [1, () => world.services.dispatcher.renewLeases()],
    [3, () => world.services.sweep.sweep(now())],
    [3, receivers.deliverDue],
    [1, () => world.restart(options)],
    [3, async (random) => world.clock.advance(random.pick([1, 1000, 31_000, GRACE_MS, 300_000]))],
    [5, payments.pay],
    [1, payments.announceAgain],
  ];
  const all = weighted.flatMap(([weight, action]) => Array.from({ length: weight }, () => action));
  const choose = (random: Random): Action => all[random.below(all.length)] ?? clients.order;
  return { clients, machines, receivers, payments, choose };
}

/** Lives through the life of a service from a seed, and checks after each step what must always hold. */
export async function simulate({ seed, steps, skip = new Set() }: Run): Promise<Report> {
  const ports = createFaultyPorts();
  const options = { wrap: ports.wrap, accountQueueLimit: ACCOUNT_QUEUE };
  const world = await createWorld({ ...options, lanes: 3 });
  const { clients, machines, receivers, payments, choose } = actionsOf(world, options);
  let step: number | 'end' = 0;
  try {
    await fund(world.stores.ledger, CREDIT);
    await fund(world.stores.ledger, OTHER_CREDIT, OTHER_ACCOUNT);
    for (step = 0; step < steps; step++) {
      if (skip.has(step)) continue;
      const random = createRandom(seedOf(seed, step));
      const actions = random.chance(0.2) ? [choose(random), choose(random)] : [choose(random)];
      ports.random = random;
      const ends = await Promise.allSettled(actions.map((action) => attempt(() => action(random))));
      ports.random = undefined;
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
      await expectInvariant(world.stores.ledger);
    }
    step = 'end';
    await calm(world);
    await end(world, options, clients);
    await machines.expectFair();
    await machines.deliverAll();
    await machines.expectNoStrays();
    await expectAllSettled(world);
    await expectNoExpiredCreditSpent(world.stores.ledger);
    await clients.expectKept();
    await payments.expectOnce(CREDIT + OTHER_CREDIT);
    await receivers.deliverAll();
    await receivers.expectTold();
    world.clock.advance(RETENTION_MS + HOUR);
    await world.services.sweep.sweep(world.clock.now());
    expect(await world.blobs.list('outputs/'), 'what is left in storage').toEqual([]);
    expect(
      world.errors.filter((error) => !isInjected(error)),
      'faults that nobody injected',
    ).toEqual([]);
    return { jobs: clients.jobs().length, faults: ports.failed() };
  } catch (error) {
    const failure = { step, error: error as Error };
    return { jobs: clients.jobs().length, faults: ports.failed(), failure };
  } finally {
    await world.close();
  }
}

/** Nothing fails any more, and the machines work: whoever waits gets his turn, also behind a claim that died. */
async function calm(world: World): Promise<void> {
  const { dispatcher, settlement, sweep } = world.services;
  world.clock.advance(AFTER_CLAIMS_MS);
  for (let busy = true; busy; ) {
    const handed = await dispatcher.dispatchOnce();
    const orders = [...world.gpu.orders.keys()];
    for (const id of orders) await settlement.applyCompletion(await world.gpu.run(id));
    await sweep.sweep(world.clock.now());
    busy = handed + orders.length > 0;
  }
  for (const { id: account } of await world.stores.ledger.listAccounts()) {
    for (const job of await world.stores.jobs.list({ account, limit: 1000 })) {
      if (job.cancelRequestedAt !== undefined || job.deadline <= world.clock.now()) continue;
      expect(isTerminal(job.status), `job ${job.id} starves`).toBe(true);
    }
  }
}

/** Nothing fails any more, and time passes: by then each job must have ended. */
async function end(
  world: World,
  options: Parameters<World['restart']>[0],
  clients: Clients,
): Promise<void> {
  await world.restart(options);
  world.clock.advance(DEADLINE_MS + GRACE_MS);
  await world.services.sweep.sweep(world.clock.now());
  await clients.eraseAgain();
  await expectAllSettled(world);
}

/** The same failure with as few steps as leaving out one after the other brings. */
export async function shrink(run: Run): Promise<Run> {
  const skip = new Set(run.skip);
  const fails = async (steps: number, without: ReadonlySet<number>) =>
    (await simulate({ ...run, steps, skip: without })).failure !== undefined;
  let { steps } = run;
  while (steps > 1 && (await fails(Math.floor(steps / 2), skip))) steps = Math.floor(steps / 2);
  while (steps > 1 && (await fails(steps - 1, skip))) steps--;
  for (let step = 0; step < steps; step++) {
    if (!skip.has(step) && (await fails(steps, new Set([...skip, step])))) skip.add(step);
  }
  return { ...run, steps, skip };
}
