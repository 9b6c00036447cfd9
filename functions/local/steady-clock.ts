import type { Clock } from '#shared/core/clock.ts';

const HOUR_MS = 3_600_000;
/** The clock may be set by so much, for a change of the time zone gone wrong as well. */
const TOLERATED_MS = HOUR_MS;
/** After so long beside the old time, the new one is taken for right: a machine may have slept. */
const BELIEVED_AFTER_MS = 24 * HOUR_MS;

/**
 * A clock for what can't be undone, such as erasing what is old. A wall clock that leaps forward does not
 * carry it along until the new time has held for a day.
 *
 * @param monotonic milliseconds that only ever grow with time, such as `performance.now`
 * @param onLeap called once for each leap, with its milliseconds
 */
export function createSteadyClock(
  clock: Clock,
  monotonic: () => number,
  onLeap: (ms: number) => void,
): Clock {
  let offset = clock.now() - monotonic();
  let leaptAt: number | undefined;
  return {
    now() {
      const [wall, elapsed] = [clock.now(), monotonic()];
      const leap = wall - elapsed - offset;
      if (leap <= TOLERATED_MS || elapsed - (leaptAt ?? elapsed) >= BELIEVED_AFTER_MS) {
        offset += leap;
        leaptAt = undefined;
        return wall;
      }
      if (leaptAt === undefined) onLeap(leap);
      leaptAt ??= elapsed;
      return elapsed + offset;
    },
  };
}
