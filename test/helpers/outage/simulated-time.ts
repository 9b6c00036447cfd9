import { setImmediate as nextTurn } from 'node:timers/promises';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import type { OutageTime } from './outage.ts';

/** Turns of the event loop without a call of a port after which all that is under way waits. */
const QUIET_TURNS = 2;

/** Time that leaps from one wait's end to the next, once nothing else is to be done. */
export function createSimulatedTime(): OutageTime & {
  /** A port that time waits for: none passes while it is asked. */
  awaited<T extends object>(port: T): T;
  /** Lets time pass until what is given has come to its end. */
  until<T>(end: Promise<T>): Promise<T>;
} {
  const clock = createManualClock();
  let calls = 0;
  const waiting: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    clock,
    sleep: (ms) =>
      new Promise((wake) => {
        const at = clock.now() + Math.max(0, ms);
        const place = waiting.findLastIndex((other) => other.at <= at) + 1;
        waiting.splice(place, 0, { at, wake });
      }),
    awaited: (port) => {
      const methods = Object.entries(port as Record<string, (...args: unknown[]) => unknown>);
      const counted = methods.map(([name, method]) => [
        name,
        async (...args: unknown[]) => {
          calls++;
          try {
            return await method(...args);
          } finally {
            calls--;
          }
        },
      ]);
      return Object.fromEntries(counted);
    },
    async until(end) {
      let isOver = false;
      const over = end.finally(() => {
        isOver = true;
      });
      while (!isOver) {
        for (let quiet = 0; quiet < QUIET_TURNS; quiet = calls > 0 ? 0 : quiet + 1)
          await nextTurn();
        const next = waiting.shift();
        if (next === undefined) continue;
        clock.advance(next.at - clock.now());
        next.wake();
        while (waiting[0]?.at === next.at) waiting.shift()?.wake();
      }
      return over;
    },
  };
}
