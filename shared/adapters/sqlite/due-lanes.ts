import { setImmediate as nextTurn } from 'node:timers/promises';
import type Database from 'libsql';
import type { LaneRoom } from '#shared/core/delivery-lanes.ts';

/** Lanes that are looked into in one turn of the event loop: a millisecond or two. */
const LANES_AT_ONCE = 100;

/**
 * Finds due entries by their lanes: of an account or a host that has no room, none is read, however many
 * it has. Each look begins behind the lane where the last one ended, so that each has its turn.
 *
 * @returns ids, the longest due first
 */
export function createDueLanes(db: Database.Database) {
  const nextLane = db.prepare(
    'SELECT lane FROM outbox WHERE next_attempt_at IS NOT NULL AND lane > ? ORDER BY lane LIMIT 1',
  );
  const selectDue = db.prepare(
    'SELECT id, visible_at AS at FROM outbox WHERE next_attempt_at IS NOT NULL AND lane = ? ' +
      'AND visible_at <= ? ORDER BY visible_at LIMIT ?',
  );
  let last = '';

  return async (
    now: number,
    limit: number,
    { each, full }: LaneRoom,
  ): Promise<readonly string[]> => {
    const closed = new Set(full);
    const found: { readonly id: string; readonly at: number }[] = [];
    const end = last;
    let [after, isRound] = [last, false];
    for (let looked = 1; found.length < limit; looked++) {
      if (looked % LANES_AT_ONCE === 0) await nextTurn();
      const next = nextLane.get(after) as { lane: string } | undefined;
      if (isRound && (next === undefined || next.lane > end)) break;
      if (next === undefined) {
        [after, isRound] = ['', true];
        continue;
      }
      const account = next.lane.slice(0, next.lane.indexOf(' '));
      // "!" follows the space that ends the account: all its lanes are passed.
      after = closed.has(account) ? `${account}!` : next.lane;
      if (closed.has(account) || closed.has(next.lane)) continue;
      found.push(...(selectDue.all(next.lane, now, each) as typeof found));
    }
    last = after;
    return found
      .sort((a, b) => a.at - b.at)
      .slice(0, limit)
      .map(({ id }) => id);
  };
}
