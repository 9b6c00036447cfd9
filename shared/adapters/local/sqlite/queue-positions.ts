import type Database from 'libsql';
import type { Clock } from '#shared/core/clock.ts';
import type { JobId } from '#shared/core/ids.ts';

/** How long an order of the queue is given out; thousands of pollers then cost one query a second. */
const CACHE_MS = 1000;

/** Positions of waiting jobs, from a copy of the queue's order that is at most a second old. */
export function createQueuePositions(db: Database.Database, clock: Clock) {
  const selectOrder = db.prepare(
    'SELECT id FROM jobs WHERE model = ? AND waiting = 1 ORDER BY rank, id',
  );
  const selectBefore = db.prepare(
    'SELECT count(*) AS count FROM jobs WHERE model = ? AND waiting = 1 AND (rank, id) < (?, ?)',
  );
  const orders = new Map<string, { readonly at: number; readonly places: Map<JobId, number> }>();

  const placesOf = (model: string): Map<JobId, number> => {
    const now = clock.now();
    const hit = orders.get(model);
    if (hit !== undefined && now - hit.at < CACHE_MS) return hit.places;
    const rows = selectOrder.all(model) as { id: JobId }[];
    const places = new Map(rows.map(({ id }, place) => [id, place]));
    orders.set(model, { at: now, places });
    return places;
  };

  /** For a job that is known to wait. */
  return (job: { readonly id: JobId; readonly model: string; readonly rank: number }): number => {
    const place = placesOf(job.model).get(job.id);
    if (place !== undefined) return place;
    return (selectBefore.get(job.model, job.rank, job.id) as { count: number }).count;
  };
}
