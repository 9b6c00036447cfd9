import { isMade, isTerminal, type Job } from '#shared/core/job.ts';
import type { DynamoTable, Key } from './dynamo-table.ts';
import { noteClaimed } from './fair-rank.ts';
import { indexKeys } from './item-keys.ts';
import { givenBack, type JobItem, replaceJob } from './job-item.ts';
import { AFTER, sortable } from './table-schema.ts';

/** Candidates read at one time: the first is nearly always free. */
const WINDOW = 8;

/** See `JobStore.claimNext`. The index lags, so each candidate is looked at and claimed by version. */
export async function claimNext(
  table: DynamoTable,
  model: string,
  now: number,
  leaseMs: number,
): Promise<Job | undefined> {
  const expired = await readExpired(table, model, now);
  const waiting = table.queryIndex('queue', { pk: indexKeys.waiting(model) }, WINDOW);
  for (;;) {
    const window = await take(waiting, WINDOW);
    const items = [...expired.splice(0), ...((await table.getMany(window)) as JobItem[])]
      .filter(({ job }) => isClaimable(job, now))
      .sort((a, b) => a.job.rank - b.job.rank || (a.job.id < b.job.id ? -1 : 1));
    for (const item of items) {
      const job = await claim(table, item, now, leaseMs);
      if (job !== undefined) return job;
    }
    if (window.length < WINDOW) return undefined;
  }
}

/** How many jobs of a model are leased. */
export function countLeased(table: DynamoTable, model: string): Promise<number> {
  return table.countIndex('queue', indexKeys.leased(model));
}

/** Whether a model has a job that waits or is leased. The index lags a little behind. */
export async function hasOpenJobs(table: DynamoTable, model: string): Promise<boolean> {
  for (const pk of [indexKeys.waiting(model), indexKeys.leased(model)]) {
    const keys = table.queryIndex('queue', { pk }, 1);
    if ((await keys.next()).done !== true) return true;
  }
  return false;
}

async function claim(
  table: DynamoTable,
  item: JobItem,
  now: number,
  leaseMs: number,
): Promise<Job | undefined> {
  await noteClaimed(table, item.job.model.name, item.job.rank);
  const token = item.token + 1;
  const job: Job = {
    ...givenBack(item.job),
    attempts: item.job.attempts + 1,
    lease: { token, expiresAt: now + leaseMs },
  };
  return (await table.write([replaceJob(item, job, token)], 'once')) ? job : undefined;
}

/** Jobs whose lease has run out: never more than a few. */
async function readExpired(table: DynamoTable, model: string, now: number): Promise<JobItem[]> {
  const query = { pk: indexKeys.leased(model), to: sortable(now) + AFTER };
  const keys = await take(table.queryIndex('queue', query, WINDOW), Number.POSITIVE_INFINITY);
  return [...(await table.getMany(keys))] as JobItem[];
}

function isClaimable(job: Job, now: number): boolean {
  if (isTerminal(job.status) || isMade(job)) return false;
  if (job.cancelRequestedAt !== undefined) return false;
  return job.lease === undefined || job.lease.expiresAt <= now;
}

/** Up to `count` more keys; unlike `for … of` with a break, the source can be read on. */
async function take(keys: AsyncGenerator<Key>, count: number): Promise<readonly Key[]> {
  const taken: Key[] = [];
  while (taken.length < count) {
    const next = await keys.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}
