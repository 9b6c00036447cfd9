import { createRememberedReads } from '#shared/adapters/memory/remembered-reads.ts';
import type { Job } from '#shared/core/job.ts';
import { lowerBound } from '#shared/core/lower-bound.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { indexKeys } from './item-keys.ts';
import { placeInLine } from './job-item.ts';

const PAGE = 1_000;

/**
 * How many jobs wait, and where each is in line. A reading is shared for `waitingLineMs`, so that a
 * thousand waiting clients cost no more than one.
 */
export function createWaitingLine(deps: {
  readonly table: DynamoTable;
  readonly now: () => number;
  readonly waitingLineMs: number;
}) {
  const memory = { clock: { now: deps.now }, ttlMs: deps.waitingLineMs };
  const readLine = async (model: string): Promise<readonly string[]> => {
    const places: string[] = [];
    const query = { pk: indexKeys.waiting(model) };
    for await (const key of deps.table.queryIndex('queue', query, PAGE)) places.push(key.indexSk);
    return places;
  };

  const lineOf = createRememberedReads({ ...memory, read: readLine });
  const depthOf = createRememberedReads({
    ...memory,
    read: (index) => deps.table.countIndex('due', index, 'leased'),
  });

  return {
    /** Open jobs that no worker holds, of all models. */
    depth: () => depthOf(indexKeys.openJobs),

    /** How many jobs of the model are before this one. */
    async position(job: Job): Promise<number> {
      const place = placeInLine(job);
      return lowerBound(await lineOf(job.model.name), (other) => other < place);
    },
  };
}
