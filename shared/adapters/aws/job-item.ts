import type { JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { DynamoTable, Item, Write } from './dynamo-table.ts';
import { indexKeys, itemKeys } from './item-keys.ts';
import { sortable } from './table-schema.ts';

/** A job as stored: `version` guards each change, `token` outlives the lease that it was given to. */
export interface JobItem extends Item {
  readonly version: number;
  readonly token: number;
  readonly job: Job;
}

export const OPEN_COUNT_SHARDS = 8;

/** In which shard a job is counted while it is open. */
export function openCountShard(job: Pick<Job, 'id'>): number {
  return (job.id.codePointAt(job.id.length - 1) ?? 0) % OPEN_COUNT_SHARDS;
}

/** The item of a job; its places in the indexes follow from its state. */
export function toJobItem(job: Job, version: number, token: number): JobItem {
  return {
    ...itemKeys.job(job.id),
    version,
    token,
    job,
    ownedPk: indexKeys.jobsOf(job.account),
    ownedSk: job.id,
    ...queuePlace(job),
    ...duePlace(job),
  };
}

/** A job that is wanted cancelled is never handed out, so it has no place. */
function queuePlace(job: Job): { queuePk?: string; queueSk?: string } {
  if (isTerminal(job.status) || job.cancelRequestedAt !== undefined) return {};
  if (job.lease === undefined) {
    return {
      queuePk: indexKeys.waiting(job.model.name),
      queueSk: `${sortable(job.rank)}#${job.id}`,
    };
  }
  return {
    queuePk: indexKeys.leased(job.model.name),
    queueSk: `${sortable(job.lease.expiresAt)}#${job.id}`,
  };
}

function duePlace(job: Job): { duePk?: string; dueSk?: string; leased?: boolean } {
  if (isTerminal(job.status)) {
    if (job.dataRemovedAt !== undefined) return {};
    return {
      duePk: indexKeys.removableJobs,
      dueSk: `${sortable(job.completedAt ?? job.createdAt)}#${job.id}`,
    };
  }
  return {
    duePk: indexKeys.openJobs,
    dueSk: `${sortable(dueAt(job))}#${job.id}`,
    ...(job.lease === undefined ? {} : { leased: true }),
  };
}

/** When the sweeper has to look at an open job. */
export function dueAt(job: Job): number {
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
export function replaceJob(read: JobItem, job: Job, token: number = read.token): Write {
  return {
    put: toJobItem(job, read.version + 1, token),
    condition: 'version = :version',
    values: { ':version': read.version },
  };
}
