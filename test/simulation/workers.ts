import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Order, Outcome } from './live.ts';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));

/**
 * Lives are handed to whichever process is free, since some take ten times as long as others.
 *
 * @param next the life that is next; undefined when there is no more
 */
export async function inWorkers(
  workers: number,
  next: () => Order | undefined,
  onOutcome: (order: Order, outcome: Outcome) => void,
): Promise<void> {
  const work = async (): Promise<void> => {
    const child = fork(WORKER, { execArgv: ['--import', 'tsx'] });
    const gone = once(child, 'exit');
    try {
      for (let order = next(); order !== undefined; order = next()) {
        child.send(order);
        const [outcome] = await Promise.race([once(child, 'message'), gone]);
        if (typeof outcome !== 'object' || outcome === null) {
          throw new Error(`the process of seed ${order.seed} over ${order.store} has died`);
        }
        onOutcome(order, outcome as Outcome);
      }
    } finally {
      if (child.connected) child.disconnect();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}
