import type Database from 'libsql';
import type { Clock } from '#shared/core/clock.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';

/** How long an order of the queue is given out; thousands of pollers then cost one query a second. */
const CACHE_MS = 1000;

interface Row {
  readonly id: JobId;
  readonly rank: number;
}

interface Order {
  readonly at: number;
  readonly rows: readonly Row[];
  readonly places: ReadonlyMap<JobId, number>;
}

/** Positions of waiting jobs, from a copy of the queue's order that is at most a second old. */
export function createQueuePositions(db: Database.Database, clock: Clock) {
  const selectOrder = db.prepare(
    'SELECT id, rank FROM jobs WHERE model = ? AND waiting = 1 ORDER BY rank, id',
  );
  const orders = new Map<string, Order>();

  const orderOf = (model: string): Order => {
    const now = clock.now();
    const hit = orders.get(model);
    if (hit !== undefined && Math.abs(now - hit.at) < CACHE_MS) return hit;
    const rows = selectOrder.all(model) as Row[];
    const order = { at: now, rows, places: new Map(rows.map(({ id }, place) => [id, place])) };
    orders.set(model, order);
    return order;
  };

  /** For a job that is known to wait. */
  return (job: Pick<Job, 'id' | 'model' | 'rank'>): number => {
    const { places, rows } = orderOf(job.model.name);
    return places.get(job.id) ?? placeAmong(rows, job);
  };
}

/** Where a job that came after the copy was made stands in it: counting anew costs the whole queue. */
function placeAmong(rows: readonly Row[], job: Row): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    const before =
      row !== undefined && (row.rank < job.rank || (row.rank === job.rank && row.id < job.id));
    if (before) low = middle + 1;
    else high = middle;
  }
  return low;
}
