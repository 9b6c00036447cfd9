import type { JobId } from '#shared/core/ids.ts';
import { isMade, isTerminal, isWaiting, type Job } from '#shared/core/job.ts';
import type { DynamoTable, Item, Write } from './dynamo-table.ts';
import type { GrantLeft } from './grants-left.ts';
import { indexKeys, itemKeys } from './item-keys.ts';
import { sortable } from './table-schema.ts';

/** What is stored beside a job. */
interface JobExtras {
  /** Guards each change. */
  readonly version: number;
  /** Outlives the lease that it was given to. */
  readonly token: number;
  /** What the hold took of credit that expires; the rest of it lasts. */
  readonly sources: readonly GrantLeft[];
}

export interface JobItem extends Item, JobExtras {
  readonly job: Job;
}

export const OPEN_COUNT_SHARDS = 8;

/** In which shard a job is counted while it is open. */
export function openCountShard(job: Pick<Job, 'id'>): number {
  return (job.id.codePointAt(job.id.length - 1) ?? 0) % OPEN_COUNT_SHARDS;
}

/** The item of a job; its places in the indexes follow from its state. */
export function toJobItem(job: Job, { version, token, sources }: JobExtras): JobItem {
  return {
    ...itemKeys.job(job.id),
    version,
    token,
    sources,
    job,
    ...listPlace(job),
    ...queuePlace(job),
    ...duePlace(job),
  };
}

/** A job's place in line: ranks first, and ids among equals. */
export function placeInLine(job: Job): string {
  return `${sortable(job.rank)}#${job.id}`;
}

/** Where an account's jobs are listed: previews are not. */
function listPlace(job: Job): { ownedPk?: string; ownedSk?: string } {
  return job.preview === true ? {} : { ownedPk: indexKeys.jobsOf(job.account), ownedSk: job.id };
}

function queuePlace(job: Job): { queuePk?: string; queueSk?: string } {
  if (isWaiting(job)) {
    return { queuePk: indexKeys.waiting(job.model.name), queueSk: placeInLine(job) };
  }
  if (isTerminal(job.status) || job.lease === undefined) return {};
  return {
    queuePk: indexKeys.leased(job.model.name),
    queueSk: `${sortable(job.lease.expiresAt)}#${job.id}`,
  };
}

function duePlace(job: Job): { duePk?: string; dueSk?: string; leased?: boolean } {
  if (isTerminal(job.status)) {
    if (job.dataRemovedAt !== undefined) return {};
    return {
      duePk: job.preview === true ? indexKeys.removablePreviews : indexKeys.removableJobs,
      dueSk: `${sortable(job.completedAt ?? job.createdAt)}#${job.id}`,
    };
  }
  return {
    duePk: indexKeys.openJobs,
    dueSk: `${sortable(dueAt(job))}#${job.id}`,
    ...(job.lease && { leased: true }),
  };
}

/** When the sweeper has to look at an open job. */
export function dueAt(job: Job): number {
  if (isMade(job)) return job.payment?.nextAt ?? job.createdAt;
  return Math.min(
    job.deadline,
    job.attachBy ?? Number.POSITIVE_INFINITY,
    job.cancelRequestedAt ?? Number.POSITIVE_INFINITY,
  );
}

export async function readJobItem(table: DynamoTable, id: JobId): Promise<JobItem | undefined> {
  return (await table.get(itemKeys.job(id))) as JobItem | undefined;
}

/** Replaces a job that is still as it was read. */
export function replaceJob(
  read: JobItem,
  job: Job,
  token: number = read.token,
): Extract<Write, { put: Item }> {
  return {
    put: toJobItem(job, { version: read.version + 1, token, sources: read.sources }),
    condition: 'version = :version',
    values: { ':version': read.version },
  };
}

/** The job as it waits again, without its lease. */
export function givenBack(job: Job, refused = false): Job {
  const { lease: _, startedAt: __, progress: ___, ...rest } = job;
  const refusals = (job.refusals ?? 0) + Number(refused);
  return { ...rest, status: 'starting', ...(refusals > 0 && { refusals }) };
}
