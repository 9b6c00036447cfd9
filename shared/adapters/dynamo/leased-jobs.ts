import type { JobId } from '#shared/core/ids.ts';
import { isTerminal } from '#shared/core/job.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { indexKeys } from './item-keys.ts';
import type { JobItem } from './job-item.ts';

const PAGE = 1_000;

/** Open jobs under a lease: few, as many as SageMaker is given at one time. */
export async function listLeasedJobs(table: DynamoTable): Promise<readonly JobId[]> {
  const keys = [];
  const query = { pk: indexKeys.openJobs, having: 'leased' };
  for await (const key of table.queryIndex('due', query, PAGE)) keys.push(key);
  const items = (await table.getMany(keys)) as readonly JobItem[];
  return items
    .map(({ job }) => job)
    .filter((job) => job.lease !== undefined && !isTerminal(job.status))
    .map((job) => job.id);
}
