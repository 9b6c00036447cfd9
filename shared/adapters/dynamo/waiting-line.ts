import type { Job } from '#shared/core/job.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { indexKeys } from './item-keys.ts';
import { placeInLine } from './job-item.ts';

const PAGE = 1_000;

interface Reading<T> {
  readonly at: number;
  readonly value: Promise<T>;
}

/**
 * How many jobs wait, and who is where in line. A reading is shared by everybody who asks within
 * `waitingLineMs`, so that a thousand waiting clients cost no more than one.
 */
export function createWaitingLine(deps: {
  readonly table: DynamoTable;
  readonly now: () => number;
  readonly waitingLineMs: number;
}) {
  const remembered = new Map<string, Reading<unknown>>();

  const recent = <T>(name: string, read: () => Promise<T>): Promise<T> => {
    const last = remembered.get(name) as Reading<T> | undefined;
    if (last !== undefined && deps.now() - last.at < deps.waitingLineMs) return last.value;
    const value = read();
    remembered.set(name, { at: deps.now(), value });
    value.catch(() => remembered.delete(name));
    return value;
  };

  const readLine = async (model: string): Promise<readonly string[]> => {
    const places: string[] = [];
    const query = { pk: indexKeys.waiting(model) };
    for await (const key of deps.table.queryIndex('queue', query, PAGE)) places.push(key.indexSk);
    return places;
  };

  return {
    /** Open jobs that no worker holds, of all models. */
    depth: () => recent('depth', () => deps.table.countIndex('due', indexKeys.openJobs, 'leased')),

    /** How many jobs of the model are before this one. */
    async position(job: Job): Promise<number> {
      const line = await recent(`line ${job.model.name}`, () => readLine(job.model.name));
      return countBefore(line, placeInLine(job));
    },
  };
}

/** How many of the sorted places come before this one. */
function countBefore(places: readonly string[], place: string): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? '') < place) low = middle + 1;
    else high = middle;
  }
  return low;
}
