import { defined } from '#shared/core/defined.ts';
import { type JobId, ulidFloor } from '#shared/core/ids.ts';
import { isTerminal, isWaiting, type Job, withoutData } from '#shared/core/job.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { withSettling, withMade } from '#shared/service/domain/payments/job-payment.ts';
import type { ChangeResult, JobQuery, JobStore } from '#shared/service/ports/job-store.ts';
import { admit, unansweredItem } from './admit.ts';
import { claimNext } from './claim.ts';
import type { ExpiryDeps } from './credit-expiry.ts';
import { deliveryWrites, eraseAddresses } from './delivery-item.ts';
import type { DynamoTable, Key } from './dynamo-table.ts';
import { indexKeys, itemKeys } from './item-keys.ts';
import { dueAt, givenBack, type JobItem, readJobItem, replaceJob } from './job-item.ts';
import { requestCancel } from './request-cancel.ts';
import { settle } from './settle.ts';
import { AFTER, sortable, ttlOf } from './table-schema.ts';
import { createWaitingLine } from './waiting-line.ts';

const PAGE = 100;
/** How far a job's time of creation may be from the time in its id. */
const ID_SLACK_MS = 60_000;

export interface DynamoJobsDeps extends ExpiryDeps {
  readonly now: () => number;
  /** How old depth and positions may be, in milliseconds. */
  readonly waitingLineMs: number;
  /** How long an ended job's record is kept. */
  readonly recordMs: number;
}

/** Jobs in DynamoDB: each change is one conditional write, or one transaction of them. */
export function createDynamoJobStore(deps: DynamoJobsDeps): JobStore {
  const { table } = deps;
  const line = createWaitingLine(deps);
  const read = async (id: JobId) => (await readJobItem(table, id))?.job;
  return {
    admit: (admission) => admit(deps, admission),
    get: read,
    list: (query) => list(table, query),
    takeUnanswered: async (key, bodyHash, since, only) => {
      const { pk, sk } = itemKeys.unanswered(key, bodyHash, '' as JobId);
      for await (const item of table.query({ pk, from: sk, to: sk + AFTER, newestFirst: true })) {
        if (Number(item['createdAt']) < since) continue;
        if (only === 'parked' && item['parked'] !== true) continue;
        const taking = { delete: item, condition: 'attribute_exists(pk)' };
        const taken = await table.write([taking], 'once');
        if (taken) return read(item['job'] as JobId);
      }
      return undefined;
    },
    markAnswered: async (id) => {
      const job = await read(id);
      if (job === undefined) return;
      await table.write([
        {
          delete: itemKeys.unanswered(job.key, job.bodyHash, id),
          condition: 'attribute_not_exists(parked)',
        },
      ]);
    },
    park: async (id) => {
      const job = await read(id);
      if (job === undefined) return;
      await table.write([{ put: { ...unansweredItem(job), parked: true } }]);
    },
    extendAttach: async (id, attachBy) => {
      await changeJob(table, id, (job) =>
        isTerminal(job.status) || job.attachBy === undefined || job.attachBy >= attachBy
          ? undefined
          : { ...job, attachBy },
      );
    },
    claimNext: (model, now, leaseMs) => claimNext(table, model, now, leaseMs),
    renewLease: (id, token, expiresAt) =>
      changeJob(table, id, (job) =>
        holds(job, token) ? { ...job, lease: { token, expiresAt } } : undefined,
      ),
    giveBack: (id, token, refused = false) =>
      changeJob(table, id, (job) => (holds(job, token) ? givenBack(job, refused) : undefined)),
    giveBackAll: () => giveBackAll(table),
    markStarted: (id, token, start, outbox) =>
      changeJob(
        table,
        id,
        (job) =>
          holds(job, token) && job.status === 'starting'
            ? { ...job, status: 'processing', ...start }
            : undefined,
        outbox,
      ),
    noteProgress: (id, token, progress, outbox) =>
      changeJob(
        table,
        id,
        (job) =>
          holds(job, token) &&
          job.status === 'processing' &&
          progress.imagesDone > (job.progress?.imagesDone ?? 0)
            ? { ...job, progress }
            : undefined,
        outbox,
      ),
    requestCancel: (id, at, runningPerHour, by) =>
      requestCancel(table, { id, at, runningPerHour, by }),
    findByScope: async (scope, now) => {
      const record = await table.get(itemKeys.idempotency(scope));
      return record === undefined || Number(record['expiresAt']) <= now
        ? undefined
        : read(record['job'] as JobId);
    },
    keepMade: (id, from, made, at) => changeJob(table, id, (job) => withMade(job, from, made, at)),
    noteSettling: (id, attempts, attempt) =>
      changeJob(table, id, (job) => withSettling(job, attempts, attempt)),
    settle: (settlement) => settle(deps, settlement),
    listOverdue: (now, limit) =>
      listDue(table, { pk: indexKeys.openJobs, now, limit }, (job) => !isTerminal(job.status)),
    listRemovable: (completedBefore, limit, which) => {
      const pk = which === 'previews' ? indexKeys.removablePreviews : indexKeys.removableJobs;
      return listDue(
        table,
        { pk, now: completedBefore - 1, limit },
        (job) => isTerminal(job.status) && job.dataRemovedAt === undefined,
      );
    },
    removeData: (id, at) => removeData(deps, id, at),
    queueDepth: () => line.depth(),
    queuePosition: async (job) => (isWaiting(job) ? line.position(job) : undefined),
  };
}

/** Writes what `change` makes of the job; if another writer was faster, reads and asks again. */
async function changeJob(
  table: DynamoTable,
  id: JobId,
  change: (job: Job) => Job | undefined,
  outbox: readonly OutboxEntry[] = [],
): Promise<ChangeResult> {
  for (;;) {
    const item = await readJobItem(table, id);
    if (item === undefined) return { changed: false, job: undefined };
    const job = change(item.job);
    if (job === undefined) return { changed: false, job: item.job };
    const writes = [replaceJob(item, job), ...(await deliveryWrites(table, outbox))];
    if (await table.write(writes)) return { changed: true, job };
  }
}

/** Erases a job's data; what is left of it goes by itself when its time has come. */
async function removeData(
  { table, recordMs }: DynamoJobsDeps,
  id: JobId,
  at: number,
): Promise<ChangeResult> {
  for (;;) {
    const item = await readJobItem(table, id);
    const job = item?.job;
    if (item === undefined || job === undefined) return { changed: false, job };
    if (!isTerminal(job.status) || job.dataRemovedAt !== undefined) return { changed: false, job };
    const left = withoutData(job, at);
    const write = replaceJob(item, left);
    const ttl = ttlOf(Math.max(at, job.completedAt ?? at) + recordMs);
    const addresses = await eraseAddresses(table, job);
    if (await table.write([{ ...write, put: { ...write.put, ttl } }, ...addresses])) {
      return { changed: true, job: left };
    }
  }
}

function holds(job: Job, token: number): boolean {
  return !isTerminal(job.status) && job.lease?.token === token;
}

async function giveBackAll(table: DynamoTable): Promise<number> {
  let count = 0;
  for await (const key of table.queryIndex('due', { pk: indexKeys.openJobs }, PAGE)) {
    const item = (await table.get(key)) as JobItem | undefined;
    if (item?.job.lease === undefined) continue;
    const { token } = item.job.lease;
    const result = await changeJob(table, item.job.id, (job) =>
      holds(job, token) ? givenBack(job) : undefined,
    );
    if (result.changed) count++;
  }
  return count;
}

/** Jobs of an index, read themselves, in batches of a page. */
async function* jobsOf(
  table: DynamoTable,
  keys: AsyncGenerator<Key>,
  size: number,
): AsyncGenerator<Job> {
  let batch: Key[] = [];
  for await (const key of keys) {
    batch.push(key);
    if (batch.length < size) continue;
    for (const item of await table.getMany(batch)) yield (item as JobItem).job;
    batch = [];
  }
  for (const item of await table.getMany(batch)) yield (item as JobItem).job;
}

async function listDue(
  table: DynamoTable,
  query: { pk: string; now: number; limit: number },
  isDue: (job: Job) => boolean,
): Promise<readonly Job[]> {
  const { pk, limit } = query;
  const size = Math.min(limit, PAGE);
  const keys = table.queryIndex('due', { pk, to: sortable(query.now) + AFTER }, size);
  const jobs: Job[] = [];
  for await (const job of jobsOf(table, keys, size)) {
    // The index may be behind: what it says is due may have changed since.
    const at = isTerminal(job.status) ? (job.completedAt ?? 0) : dueAt(job);
    if (isDue(job) && at <= query.now) jobs.push(job);
    if (jobs.length === limit) break;
  }
  return jobs;
}

async function list(table: DynamoTable, query: JobQuery): Promise<readonly Job[]> {
  const { before, after, limit } = query;
  const newestFirst = after === undefined || before !== undefined;
  const size = Math.min(limit + 1, PAGE);
  const keys = table.queryIndex(
    'owned',
    {
      pk: indexKeys.jobsOf(query.account),
      from: [after ?? '', createdFloor(query)].sort().at(-1) ?? '',
      ...defined({
        to: [before, createdCeiling(query)].filter((id) => id !== undefined).sort()[0],
      }),
      newestFirst,
    },
    size,
  );
  const jobs: Job[] = [];
  for await (const job of jobsOf(table, keys, size)) {
    if (job.id !== before && job.id !== after && matches(job, query)) jobs.push(job);
    if (jobs.length === limit) break;
  }
  return jobs;
}

/** The least id that a job created within the query's time can have. */
function createdFloor({ createdAfter }: JobQuery): string {
  return createdAfter === undefined ? ' ' : ulidFloor(createdAfter - ID_SLACK_MS);
}

/** The id that follows all that a job created within the query's time can have. */
function createdCeiling({ createdBefore }: JobQuery): string | undefined {
  return createdBefore === undefined ? undefined : ulidFloor(createdBefore + ID_SLACK_MS);
}

function matches(job: Job, query: JobQuery): boolean {
  const { createdAfter, createdBefore, tag } = query;
  return (
    (createdAfter === undefined || job.createdAt >= createdAfter) &&
    (createdBefore === undefined || job.createdAt < createdBefore) &&
    (tag === undefined || job.tags[tag.name] === tag.value)
  );
}
