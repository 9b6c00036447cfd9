import type { WorkerTask } from './worker-messages.ts';
import type { WorkEvents, WorkerProcess, WorkResult } from './worker-process.ts';

export interface DrawEvents extends WorkEvents {
  /** @param waited whether another task was drawn first */
  onTurn(waited: boolean): void;
}

/** The one part of a task that no two can be in at a time: the GPU, or all cores of a CPU. */
export interface Device {
  /**
   * Draws when all that asked before have drawn. Aborted, a waiting task leaves the line at once. A drawing
   * one stops after its stage where little of the picture is left; otherwise it takes the inference process
   * with it, which costs the next task a load of the model. A process that is still coming up is left alone.
   *
   * @throws AppError of the inference codes; the signal's reason for a task that was still waiting
   */
  draw(task: WorkerTask, events: DrawEvents, signal: AbortSignal): Promise<WorkResult>;
}

/** What a picture may have left for its task to be stopped in good order; about as long as a load. */
const LITTLE_MS = 2_000;

/**
 * @param interrupt ends the run in the worker at once
 * @param now milliseconds from any moment on
 */
export function createDevice(
  worker: Pick<WorkerProcess, 'ready' | 'run' | 'stop'>,
  interrupt: () => void,
  now: () => number = () => performance.now(),
): Device {
  let lastInLine: Promise<void> = Promise.resolve();
  let inLine = 0;
  /** What the latest picture took, for each of its pixels; undefined until there was one. */
  let msPerPixel: number | undefined;

  /** Draws, and ends it when the signal says so. */
  const drawNow = async (
    task: WorkerTask,
    events: DrawEvents,
    signal: AbortSignal,
  ): Promise<WorkResult> => {
    const pixels = task.width * task.height;
    let since = now();
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      const leftMs = (msPerPixel ?? Number.POSITIVE_INFINITY) * pixels - (now() - since);
      if (leftMs > LITTLE_MS) {
        interrupt();
        return;
      }
      worker.stop();
      timer = setTimeout(interrupt, LITTLE_MS);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await worker.run(task, {
        onPhase(phase) {
          since = now();
          events.onPhase(phase);
        },
        onPicture(picture, stop) {
          msPerPixel = (now() - since) / pixels;
          since = now();
          events.onPicture(picture, stop);
        },
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
    }
  };

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
        await unlessAborted(worker.ready(), signal);
        return await drawNow(task, events, signal);
      } finally {
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
