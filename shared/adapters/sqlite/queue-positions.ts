import type Database from 'libsql';
import type { Clock } from '#shared/core/clock.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { lowerBound } from '#shared/core/lower-bound.ts';

/** How long a copy of the line is used: thousands of pollers then cost one query a second. */
const CACHE_MS = 1000;

interface Row {
  readonly id: JobId;
  readonly rank: number;
}

interface Line {
  readonly at: number;
  readonly rows: readonly Row[];
  readonly places: ReadonlyMap<JobId, number>;
}

/** Positions of waiting jobs, from a copy of the line that is at most a second old. */
export function createQueuePositions(db: Database.Database, clock: Clock) {
  const selectLine = db.prepare(
    'SELECT id, rank FROM jobs WHERE model = ? AND waiting = 1 ORDER BY rank, id',
  );
  const lines = new Map<string, Line>();

  const lineOf = (model: string): Line => {
    const now = clock.now();
    const hit = lines.get(model);
    if (hit !== undefined && Math.abs(now - hit.at) < CACHE_MS) return hit;
    const rows = selectLine.all(model) as Row[];
    const line = { at: now, rows, places: new Map(rows.map(({ id }, place) => [id, place])) };
    lines.set(model, line);
    return line;
  };

  /** For a job that is known to wait. */
  return (job: Pick<Job, 'id' | 'model' | 'rank'>): number => {
    const { places, rows } = lineOf(job.model.name);
    // A job that came after the copy was made is not in it; a new count would read the whole queue.
    const isBefore = ({ rank, id }: Row) => rank < job.rank || (rank === job.rank && id < job.id);
    return places.get(job.id) ?? lowerBound(rows, isBefore);
  };
}
