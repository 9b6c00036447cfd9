import type Database from 'libsql';
import type { Clock } from '#shared/core/clock.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';

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
    return places.get(job.id) ?? placeAmong(rows, job);
  };
}

/** The place of a job that came after the copy was made: a new count would read the whole queue. */
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
