import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AppError } from '#shared/core/errors.ts';
import { CUDA_ENVIRONMENT } from '#shared/engine/pipeline/cuda.ts';
import { ALLOCATOR_ENVIRONMENT } from '#shared/engine/pipeline/sessions.ts';
import { typescriptLoader } from './typescript-loader.ts';
import type {
  DrawnPicture,
  FromWorker,
  StageMs,
  StartMessage,
  ToWorker,
  WorkerTask,
} from './worker-messages.ts';

/** What the worker reports of a finished task. */
export interface WorkResult {
  readonly ms: StageMs;
  readonly versions: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

export interface WorkEvents {
  onPhase(phase: 'loading' | 'running'): void;
  /** @param stop ends the run after the stage that it is then in */
  onPicture(picture: DrawnPicture, stop: () => void): void;
}

/** The inference process: one at a time, replaced when it dies. */
export interface WorkerProcess {
  /**
   * Starts the process if there is none; resolves when its warm-up image has succeeded.
   *
   * @throws AppError `model-error` when the model can't be loaded
   */
  ready(): Promise<void>;
  /**
   * Runs one task; the caller makes sure that there is no other.
   *
   * @throws AppError of the inference codes; `model-error` (retryable) when the process dies
   */
  run(task: WorkerTask, events: WorkEvents): Promise<WorkResult>;
  /** Ends the run that is going on after the stage that it is in, with what it has drawn. */
  stop(): void;
  /** Kills the process at once; a run in it ends with `model-error`. */
  kill(): void;
  /** The process's id, while there is one. */
  pid(): number | undefined;
}

type Listener = (event: FromWorker | { readonly type: 'exit'; readonly how: string }) => void;

/** @param start the process's first message; `env` is passed on to it */
export function createWorkerProcess(
  start: Omit<StartMessage, 'type'>,
  env: Readonly<Record<string, string | undefined>>,
): WorkerProcess {
  let child: ChildProcess | undefined;
  let readiness: Promise<void> | undefined;
  let lastExit: Promise<void> = Promise.resolve();
  let listener: Listener = () => undefined;

  const tell = (message: ToWorker): void => {
    // A process that is gone says so by its exit.
    child?.send(message, () => undefined);
  };
  const forget = (how: string): void => {
    child = undefined;
    readiness = undefined;
    listener({ type: 'exit', how });
  };

  const launch = async (): Promise<void> => {
    // Two at once would need the memory of two models.
    await lastExit;
    await new Promise<void>((resolve, reject) => {
      const launched = forkWorker(env);
      child = launched;
      lastExit = new Promise((exited) => launched.once('exit', () => exited()));
      let warm = false;
      launched.on('message', (event: FromWorker) => {
        if (warm) {
          if (child === launched) listener(event);
        } else if (event.type === 'ready') {
          warm = true;
          resolve();
        } else if (event.type === 'error') {
          reject(new AppError(event.code, event.message));
          launched.kill('SIGKILL');
        }
      });
      launched.on('error', (cause) => reject(workerDied(cause.message)));
      launched.on('exit', (code, signal) => {
        const how = signal ?? `exit code ${code}`;
        reject(workerDied(how));
        if (child === launched) forget(how);
      });
      tell({ type: 'start', ...start });
    });
  };

  const ready = (): Promise<void> => {
    if (readiness !== undefined) return readiness;
    const launched = launch();
    readiness = launched;
    // The next one to ask tries again.
    launched.catch(() => {
      if (readiness === launched) readiness = undefined;
    });
    return launched;
  };

  return {
    ready,
    pid: () => child?.pid,
    stop: () => tell({ type: 'stop' }),
    kill() {
      child?.kill('SIGKILL');
      forget('killed');
    },
    async run(task, events) {
      await ready();
      return await new Promise<WorkResult>((resolve, reject) => {
        const mine: Listener = (event) => {
          if (event.type === 'phase') events.onPhase(event.phase);
          else if (event.type === 'done') resolve(event);
          else if (event.type === 'error') reject(new AppError(event.code, event.message));
          else if (event.type === 'exit') reject(workerDied(event.how));
          else if (event.type === 'picture') events.onPicture(event.picture, stop);
        };
        // By then the worker may be at another's.
        const stop = (): void => {
          if (listener === mine) tell({ type: 'stop' });
        };
        listener = mine;
        tell({ type: 'run', task });
      }).finally(() => {
        listener = () => undefined;
      });
    },
  };
}

function forkWorker(env: Readonly<Record<string, string | undefined>>): ChildProcess {
  return fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), [], {
    execArgv: ['--expose-gc', ...typescriptLoader()],
    env: { ...CUDA_ENVIRONMENT, ...env, ...ALLOCATOR_ENVIRONMENT },
    // Pictures come back as bytes.
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

function workerDied(how: string): AppError {
  return new AppError('model-error', `The inference process ended (${how}).`, { retryable: true });
}
