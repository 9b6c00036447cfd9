import { createDeliveryLoop } from '#functions/webhooks/delivery-loop.ts';
import type { SqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import type { Clock } from '#shared/core/clock.ts';
import type { AccountId, JobId } from '#shared/core/ids.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { type DeliveryDeps, deliverEntry } from '#shared/service/domain/webhooks/deliver.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import {
  fund,
  HOUR,
  MINUTE,
  PRICE,
  sampleAdmission,
  sampleId,
  sampleSettlement,
} from '#test/helpers/samples.ts';

export const OUTAGE_MS = 6 * HOUR;
/** For so long after it nobody gives up: the longest wait between attempts made in six hours, and more. */
const PATIENCE_MS = 14 * HOUR;
/** What a run takes. */
const WORK_MS = 2000;

export const [DOWN, WELL] = ['acc_down', 'acc_well'] as [AccountId, AccountId];

/** Time that may be simulated, or run faster than the real one. */
export interface OutageTime {
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
}

type OutageStores = Pick<SqliteStores, 'jobs' | 'ledger' | 'outbox'>;

export interface OutageOptions {
  readonly stores: OutageStores;
  readonly time: OutageTime;
  /** Of the account whose receiver is out, made evenly over the outage. */
  readonly predictions: number;
  /** How often the sender looks by itself. */
  readonly pollMs: number;
  readonly urls: Readonly<Record<typeof DOWN | typeof WELL, string>>;
  readonly send: DeliveryDeps['send'];
}

export interface OutageReport {
  readonly attempts: number;
  /** Ends that were not told when the receiver was back. */
  readonly pendingAfterOutage: number;
  /** Ends that were told to nobody, of either account, when all was over. */
  readonly lost: number;
  readonly givenUp: number;
  /** How long after its return the receiver had everything. */
  readonly caughtUpMs: number;
  /** From an event of the other account to the first attempt to tell of it. */
  readonly othersDelaysMs: readonly number[];
  readonly errors: readonly unknown[];
}

/**
 * Lives through hours in which the receiver of one account is out, while it and another account make
 * predictions, and on until that receiver has been told of everything.
 */
export async function liveThroughOutage(options: OutageOptions): Promise<OutageReport> {
  const { stores, time, urls } = options;
  const { clock, sleep } = time;
  const begun = clock.now();
  for (const account of [DOWN, WELL]) {
    await fund(stores.ledger, 2 * options.predictions * PRICE + HOUR, account);
  }
  const errors: unknown[] = [];
  const othersDelaysMs: number[] = [];
  /** Attempts, and ends of the account whose receiver is out that need no further one. */
  let [attempts, over] = [0, 0];
  const loop = createDeliveryLoop({
    outbox: stores.outbox,
    clock,
    onError: (error) => errors.push(error),
    async deliver(entry) {
      attempts++;
      if (entry.account === WELL && entry.attempts === 0)
        othersDelaysMs.push(clock.now() - entry.createdAt);
      const { next } = await deliverEntry(
        {
          ...stores,
          clock,
          randomBytes,
          send: options.send,
          sign: () => 'signature',
          render: async ({ id, status }) => ({ id, status }),
        },
        entry,
      );
      if (entry.account === DOWN && entry.event === 'completed' && next !== 'retry') over++;
    },
  });
  const randomBytes = createCountedBytes('outage');
  const jobs: JobId[] = [];
  const predict = async (account: AccountId) => {
    jobs.push(await makePrediction(stores, clock.now(), account, urls[account] ?? ''));
    loop.wake();
  };

  let isOver = false;
  const polling = (async () => {
    for (; !isOver; await sleep(options.pollMs)) loop.wake();
  })();
  const minutes = OUTAGE_MS / MINUTE;
  for (let minute = 0; minute < minutes; minute++) {
    const upTo = Math.round(((minute + 1) * options.predictions) / minutes);
    while (jobs.length - minute < upTo) await predict(DOWN);
    await predict(WELL);
    await sleep(begun + (minute + 1) * MINUTE - clock.now());
  }
  const pending = () => options.predictions - over;
  const pendingAfterOutage = pending();
  const backAt = clock.now();
  while (pending() > 0 && clock.now() < backAt + PATIENCE_MS) await sleep(10 * MINUTE);
  isOver = true;
  await polling;
  await loop.stop();
  const told = await ends(stores, jobs);
  const last = Math.max(...told.map(({ deliveredAt = 0 }) => deliveredAt));
  return {
    ...{ attempts, pendingAfterOutage, othersDelaysMs, errors },
    lost: jobs.length - told.filter(({ deliveredAt }) => deliveredAt !== undefined).length,
    givenUp: told.filter(({ abandonedAt }) => abandonedAt !== undefined).length,
    caughtUpMs: Math.max(0, last - backAt),
  };
}

/** A prediction that was run, with the webhooks of its start and its end; `createdAt` is when each became true. */
async function makePrediction(
  { jobs }: OutageStores,
  at: number,
  account: AccountId,
  url: string,
): Promise<JobId> {
  const webhook = { url, events: ['start', 'completed'] as const };
  const admission = sampleAdmission({ account, createdAt: at - WORK_MS, webhook });
  const { id } = admission.job;
  const entry = (event: 'start' | 'completed'): OutboxEntry => ({
    ...{ id: `msg_${id}_${event}`, account, job: id, event, url, attempts: 0 },
    ...{ createdAt: at, nextAttemptAt: at },
  });
  const limits = { queueLimit: 1e6, accountQueueLimit: 1e6 };
  await jobs.admit({ ...admission, ...limits, outbox: [entry('start')] });
  await jobs.settle(
    sampleSettlement(admission.job, {
      ...{ captured: PRICE, completedAt: at, ledgerEntryId: sampleId(at) },
      outbox: [entry('completed')],
    }),
  );
  return id;
}

async function ends({ outbox }: OutageStores, jobs: readonly JobId[]): Promise<OutboxEntry[]> {
  const lists = await Promise.all(jobs.map((job) => outbox.listByJob(job)));
  return lists.flat().filter(({ event }) => event === 'completed');
}

/** What came to receivers, and how many predictions they heard of in the wrong order. */
export function createNotebook() {
  const heard = new Map<string, string[]>();
  return {
    note(id: string, event: string): void {
      heard.set(id, [...(heard.get(id) ?? []), event]);
    },
    predictions: () => heard.size,
    outOfOrder: () =>
      [...heard.values()].filter((events) => {
        const end = events.indexOf('completed');
        return end !== -1 && events.lastIndexOf('start') > end;
      }).length,
  };
}
