import type Database from 'libsql';
import type { Clock } from '#shared/core/clock.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { lowerBound } from '#shared/core/lower-bound.ts';

/** How long a place is remembered: of thousands of pollers, each then counts from the one before it. */
const CACHE_MS = 1000;

interface Point {
  readonly rank: number;
  readonly id: JobId | '';
}

/** A job that was asked for, and how many were before it. */
interface Place extends Point {
  readonly before: number;
}

interface Line {
  readonly at: number;
  /** In the order of the line. */
  readonly places: Place[];
}

const FRONT: Place = { rank: -1, id: '', before: 0 };

/** Positions of waiting jobs, at most a second old, counted from the nearest that is known. */
export function createQueuePositions(db: Database.Database, clock: Clock) {
  const selectCount = db.prepare(
    'SELECT count(*) AS count FROM jobs WHERE model = ? AND waiting = 1 ' +
      'AND (rank, id) >= (?, ?) AND (rank, id) < (?, ?)',
  );
  const lines = new Map<string, Line>();

  const lineOf = (model: string): Line => {
    const now = clock.now();
    const hit = lines.get(model);
    if (hit !== undefined && Math.abs(now - hit.at) < CACHE_MS) return hit;
    const line = { at: now, places: [] };
    lines.set(model, line);
    return line;
  };

  const countBetween = (model: string, from: Point, to: Point): number => {
    const row = selectCount.get([model, from.rank, from.id, to.rank, to.id]);
    return (row as { count: number }).count;
  };

  /** For a job that is known to wait. */
  return ({ id, rank, model }: Pick<Job, 'id' | 'model' | 'rank'>): number => {
    const { places } = lineOf(model.name);
    const index = lowerBound(places, (p) => p.rank < rank || (p.rank === rank && p.id < id));
    const below = places[index - 1] ?? FRONT;
    const above = places[index];
    if (above?.id === id) return above.before;
    const isNearAbove = above !== undefined && above.rank - rank < rank - below.rank;
    const before = isNearAbove
      ? above.before - countBetween(model.name, { rank, id }, above)
      : below.before + countBetween(model.name, below, { rank, id });
    places.splice(index, 0, { rank, id, before });
    return before;
  };
}
