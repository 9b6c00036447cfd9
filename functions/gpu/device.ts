import type { WorkerTask } from './worker-messages.ts';
import type { WorkEvents, WorkerProcess, WorkResult } from './worker-process.ts';

export interface DrawEvents extends WorkEvents {
  /** @param waited whether another task was drawn first */
  onTurn(waited: boolean): void;
}

/** The one part of a task that no two can be in at a time: the GPU, or all cores of a CPU. */
export interface Device {
  /**
   * Draws when all that asked before have drawn. Aborted, a waiting task leaves the line at once, and a
   * drawing one takes the inference process with it.
   *
   * @throws AppError of the inference codes; the signal's reason for a task that was still waiting
   */
  draw(task: WorkerTask, events: DrawEvents, signal: AbortSignal): Promise<WorkResult>;
}

/** @param interrupt ends the run in the worker at once */
export function createDevice(worker: Pick<WorkerProcess, 'run'>, interrupt: () => void): Device {
  let lastInLine: Promise<void> = Promise.resolve();
  let inLine = 0;

  return {
    async draw(task, events, signal) {
      const waited = inLine > 0;
      const before = lastInLine;
      let leave: () => void = () => undefined;
      const mine = new Promise<void>((resolve) => {
        leave = resolve;
      });
      lastInLine = before.then(() => mine);
      inLine += 1;
      try {
        await unlessAborted(before, signal);
        events.onTurn(waited);
        signal.addEventListener('abort', interrupt, { once: true });
        return await worker.run(task, events);
      } finally {
        signal.removeEventListener('abort', interrupt);
        inLine -= 1;
        leave();
      }
    },
  };
}

/** What the promise resolves to; rejects with the signal's reason as soon as it is aborted. */
export async function unlessAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal,
): Promise<Value> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
