import type { JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import { type LedgerEntry, type UsageOfDay, usageOf } from '#shared/core/ledger.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import { entryId } from '#shared/service/domain/job-events.ts';
import { allEntries, allUsage } from '#test/helpers/invariant.ts';
import { MODEL, PRICE, sampleAdmission, sampleGrant, sampleKey } from '#test/helpers/samples.ts';
import { DEADLINE_MS, GRACE_MS, sampleOrder } from '#test/helpers/world.ts';
import { type Clients, DAY_CAP } from './clients.ts';
import { must, mustBe } from './must.ts';
import { ACCOUNTS, keyOf, type SimulatedWorld } from './worlds/world.ts';

/** Longer than a claim lasts that nobody renews. */
const AFTER_CLAIMS_MS = 31_000;

/** Each account's open jobs are counted as they are: its share of the queue depends on it. */
export async function expectOpenCounts(world: SimulatedWorld): Promise<void> {
  const jobs = await world.allJobs();
  for (const account of ACCOUNTS) {
    const { owed } = await world.stores.ledger.totals(account);
    // Such an account is refused before its jobs are counted.
    if (owed > 0) continue;
    const open = jobs.filter((job) => job.account === account && !isTerminal(job.status));
    const refused = await world.stores.jobs.admit(
      sampleAdmission({ account, hold: ZERO_USD }, { accountQueueLimit: 0 }),
    );
    must(refused.outcome === 'queue-full', `an account without a share: ${refused.outcome}`);
    if (refused.outcome === 'queue-full') {
      mustBe(refused.depth, open.length, `open jobs that ${account} is said to have`);
    }
  }
}

/** Nothing fails any more, and the machines work: whoever waits gets his turn, also behind a claim that died. */
export async function calm(world: SimulatedWorld): Promise<void> {
  world.clock.advance(AFTER_CLAIMS_MS);
  await work(world);
  for (const job of await world.allJobs()) {
    if (job.cancelRequestedAt !== undefined || job.deadline <= world.clock.now()) continue;
    must(isTerminal(job.status), `job ${job.id} starves`);
  }
}

/** Until there is nothing to do; returns the jobs in the order in which they were handed over. */
async function work(world: SimulatedWorld): Promise<readonly JobId[]> {
  const order: JobId[] = [];
  for (let busy = true; busy; ) {
    const handed = await world.services.dispatcher.dispatchOnce();
    const inside = [...world.gpu.orders.keys()];
    for (const id of inside) {
      order.push(id);
      await world.services.settlement.applyCompletion(await world.gpu.run(id));
    }
    await world.services.sweep.sweep(world.clock.now());
    busy = handed + inside.length > 0;
  }
  return order;
}

/** Nothing fails any more, and time passes: by then each job must have ended. */
export async function end(world: SimulatedWorld, clients: Clients): Promise<void> {
  await world.restart();
  world.clock.advance(DEADLINE_MS + GRACE_MS);
  await world.services.sweep.sweep(world.clock.now());
  await clients.eraseAgain();
}

/**
 * Each job has ended and cost exactly its delivered images, which are there; nothing is held, and usage by
 * day says what was charged.
 */
export async function expectSettled(world: SimulatedWorld): Promise<void> {
  mustBe((await world.stores.ledger.totals()).held, 0, 'what is held when all is over');
  const ends = new Map<string, LedgerEntry[]>();
  for (const account of ACCOUNTS) {
    const entries = await allEntries(world.stores.ledger, account);
    await expectUsage(world, account, entries);
    for (const entry of entries) {
      if (entry.kind !== 'capture' && entry.kind !== 'release') continue;
      const job = entry.job ?? '';
      ends.set(job, [...(ends.get(job) ?? []), entry]);
    }
  }
  for (const job of await world.allJobs()) await expectEnded(world, job, ends.get(job.id) ?? []);
}

async function expectUsage(
  { stores: { ledger } }: SimulatedWorld,
  account: LedgerEntry['account'],
  entries: readonly LedgerEntry[],
): Promise<void> {
  const captures = entries.filter(({ kind }) => kind === 'capture').map(usageOf);
  const used = await allUsage(ledger, account);
  for (const name of ['jobs', 'images', 'amount'] as const) {
    const sum = (rows: readonly UsageOfDay[]) => rows.reduce((total, row) => total + row[name], 0);
    mustBe(sum(used), sum(captures), `${name} in the usage of ${account}`);
  }
}

async function expectEnded(
  world: SimulatedWorld,
  job: Job,
  ends: readonly LedgerEntry[],
): Promise<void> {
  must(isTerminal(job.status), `job ${job.id} is ${job.status} when all is over`);
  mustBe(ends.length, 1, `ends of job ${job.id} in the ledger`);
  const captured = ends[0]?.kind === 'capture' ? ends[0].amount : 0;
  mustBe(job.cost, captured as typeof job.cost, `what job ${job.id} says that it cost`);
  if (job.dataRemovedAt !== undefined) {
    for (const { id, url, nextAttemptAt } of await world.stores.outbox.listByJob(job.id)) {
      must(url === '' || nextAttemptAt !== undefined, `${id} says where it went`);
    }
    return;
  }
  mustBe(captured, job.price.perImage * job.images.length, `what job ${job.id} cost`);
  must(job.status !== 'succeeded' || job.images.length > 0, `job ${job.id} has no image`);
  must(job.status !== 'failed' || job.images.length === 0, `job ${job.id} failed with images`);
  for (const { key, bytes } of job.images) {
    mustBe((await world.blobs.head(key))?.sizeBytes, bytes, `bytes of ${key}, which is paid`);
  }
}

/** A key's spending counts what its jobs cost, no more and no less, and has stayed within its cap. */
export async function expectBudgets(world: SimulatedWorld): Promise<void> {
  const spent = new Map<string, number>();
  for (const { account, key, budgetDay, cost = 0 } of await world.allJobs()) {
    const name = `${account} ${key} ${budgetDay}`;
    spent.set(name, (spent.get(name) ?? 0) + cost);
  }
  for (const [name, cost] of spent) {
    const [account, key, budgetDay] = name.split(' ') as [Job['account'], Job['key'], string];
    const createdAt = world.clock.now();
    const deadline = createdAt + DEADLINE_MS;
    const refused = await world.stores.jobs.admit(
      sampleAdmission(
        { account, key, budgetDay, createdAt, deadline },
        { dayCap: 0 as typeof PRICE },
      ),
    );
    must(refused.outcome === 'key-budget-exceeded', `a key without budget: ${refused.outcome}`);
    if (refused.outcome !== 'key-budget-exceeded') return;
    mustBe(refused.spent as number, cost, `spent by ${key} on ${budgetDay}`);
    if (account === ACCOUNTS[0]) must(cost <= DAY_CAP, `${key} spent ${cost} on ${budgetDay}`);
  }
}

/** Credit that lasts, so that the orders below can be paid. */
export async function fundAll(world: SimulatedWorld): Promise<void> {
  for (const account of ACCOUNTS) {
    const at = world.clock.now();
    const { owed } = await world.stores.ledger.totals(account);
    await world.stores.ledger.grant(sampleGrant(owed + 20 * PRICE, { account, at }));
  }
}

/** When one account orders much and others a little, at most one of its jobs goes before each of theirs. */
export async function expectFairTurns(world: SimulatedWorld): Promise<void> {
  const [first, ...others] = ACCOUNTS as [Job['account'], ...Job['account'][]];
  let number = 0;
  const order = async (account: Job['account']): Promise<JobId> => {
    const result = await world.services.admission.submit(
      sampleOrder({
        key: sampleKey({ account, id: keyOf(account) }),
        bodyHash: `turn${number++}`.padStart(64, '0'),
      }),
    );
    must(result.outcome === 'admitted', `an order with nothing in its way: ${result.outcome}`);
    return result.outcome === 'admitted' ? result.job.id : ('' as JobId);
  };
  // What went before counts no more: each account had its turn.
  for (const account of ACCOUNTS) await order(account);
  await work(world);
  const many: JobId[] = [];
  for (let i = 0; i < 4; i++) many.push(await order(first));
  const few: JobId[] = [];
  for (const account of others) few.push(await order(account));
  const turns = await work(world);
  for (const id of few) {
    const before = turns.slice(0, turns.indexOf(id));
    must(turns.includes(id), `job ${id} had no turn`);
    const ahead = before.filter((other) => many.includes(other)).length;
    must(ahead <= 1, `${ahead} jobs of an account went before the only one of another`);
  }
}

/** A claim that ran out and was taken over by another has no say any more: it neither renews, gives back nor starts. */
export async function expectFencing(world: SimulatedWorld): Promise<void> {
  const [account] = ACCOUNTS as [Job['account']];
  const ordered = await world.services.admission.submit(
    sampleOrder({
      key: sampleKey({ account, id: keyOf(account) }),
      bodyHash: 'fence'.padStart(64, '0'),
    }),
  );
  must(ordered.outcome === 'admitted', `an order with nothing in its way: ${ordered.outcome}`);
  const { jobs } = world.stores;
  const claim = () => jobs.claimNext(MODEL.name, world.clock.now(), AFTER_CLAIMS_MS);
  const old = await claim();
  world.clock.advance(AFTER_CLAIMS_MS + 1);
  const latest = await claim();
  must(old !== undefined && latest?.id === old.id, 'a claim that ran out was not taken over');
  if (old?.lease === undefined || latest === undefined) return;
  const { token } = old.lease;
  const now = world.clock.now();
  const told = {
    renews: await jobs.renewLease(old.id, token, now + AFTER_CLAIMS_MS),
    starts: await jobs.markStarted(old.id, token, { startedAt: now }, []),
    'gives back': await jobs.giveBack(old.id, token),
  };
  for (const [does, { changed }] of Object.entries(told)) {
    must(!changed, `an old claim of ${old.id} ${does}`);
  }
  world.clock.advance(AFTER_CLAIMS_MS + 1);
  await work(world);
}

/** Turns after which a process dies amid a settlement: more than it takes. */
const TURNS_TO_DEATH = 60;
const EVERY_TURNS = 3;

/** Whenever the processes die amid a settlement, the end of the job is told of once the job has ended. */
export async function expectToldOfEnds(world: SimulatedWorld): Promise<void> {
  // To open SQLite's file sixty times would take as long as the life before; there, steps have deaths enough.
  if (world.processes === 1) return;
  const [account] = ACCOUNTS as [Job['account']];
  const webhook = { url: 'https://example.com/hook', events: ['completed'] } as const;
  for (let turns = 0; turns < TURNS_TO_DEATH; turns += EVERY_TURNS) {
    const ordered = await world.services.admission.submit(
      sampleOrder({
        ...{ key: sampleKey({ account, id: keyOf(account) }), webhook },
        bodyHash: `end${turns}`.padStart(64, '0'),
      }),
    );
    must(ordered.outcome === 'admitted', `an order with nothing in its way: ${ordered.outcome}`);
    if (ordered.outcome !== 'admitted') return;
    const { id } = ordered.job;
    await world.services.dispatcher.dispatchOnce();
    const completion = await world.gpu.run(id);
    const settling = world.services.settlement.applyCompletion(completion).catch(() => undefined);
    for (let turn = 0; turn < turns; turn++) await undefined;
    for (let process = 0; process < world.processes; process++) await world.restart();
    await settling;
    await world.services.settlement.applyCompletion(completion);
    const told = await world.stores.outbox.get(entryId(id, 'completed'));
    must(
      told !== undefined,
      `nothing tells of the end of ${id}, after a death ${turns} turns into it`,
    );
  }
}
