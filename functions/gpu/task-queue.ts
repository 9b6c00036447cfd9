import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import type { ImageRecord, Receipt } from '#shared/core/inference.ts';
import type { JobPhase } from '#shared/core/job.ts';
import { TaskError } from './inference-error.ts';
import type { Task } from './read-task.ts';

/** Why a task is to end before it is done. */
export type StopReason = 'canceled' | 'deadline-exceeded' | 'unavailable';

/** The state of a task that is waiting or running. */
export interface TaskState {
  phase: JobPhase;
  /** When its drawing began. */
  startedAt: number | undefined;
  imagesDone: number;
}

/** A task while it is here. */
export interface QueuedTask {
  readonly task: Task;
  readonly state: TaskState;
  stopReason: StopReason | undefined;
  /** Aborted when the task has to end at once. */
  readonly signal: AbortSignal;
}

/** Works on some tasks at a time, begun in the order in which they came. */
export interface TaskQueue {
  /**
   * Resolves with the task's receipt. A task that is here already is joined, not run again.
   *
   * @throws AppError of the inference codes
   */
  submit(task: Task): Promise<Receipt>;
  /** Ends a task; false when there is none of this id. */
  cancel(job: string): boolean;
  state(job: string): Readonly<TaskState> | undefined;
  /** Refuses new tasks, sends away those that have not begun to draw, and waits for the others. */
  drain(withinMs: number): Promise<void>;
}

export interface TaskQueueDeps {
  readonly clock: Clock;
  /** Tasks that are worked on at one time, and those that may wait behind them. */
  readonly inFlight: number;
  readonly maxWaiting: number;
  /** Does the work; ends early when the task's signal says so. */
  readonly run: (queued: QueuedTask) => Promise<Receipt>;
}

/** Longest delay that a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const STOP_MESSAGES: Readonly<Record<StopReason, string>> = {
  canceled: 'The job was canceled.',
  'deadline-exceeded': "The job's deadline has passed.",
  unavailable: 'The function is shutting down; send the job again.',
};

/** The failure that a stopped task answers with. */
export function stopError(reason: StopReason, images: readonly ImageRecord[] = []): TaskError {
  return new TaskError(reason, STOP_MESSAGES[reason], {
    images,
    retryable: reason === 'unavailable',
  });
}

interface Entry extends QueuedTask {
  readonly settled: Promise<Receipt>;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: unknown) => void;
  readonly controller: AbortController;
  timer: NodeJS.Timeout | undefined;
}

export function createTaskQueue(deps: TaskQueueDeps): TaskQueue {
  const entries = new Map<string, Entry>();
  const waiting: Entry[] = [];
  const running = new Set<Entry>();
  let draining = false;

  const finish = (entry: Entry): void => {
    clearTimeout(entry.timer);
    entries.delete(entry.task.request.job);
  };
  const runNext = async (): Promise<void> => {
    if (running.size >= deps.inFlight) return;
    const entry = waiting.shift();
    if (entry === undefined) return;
    running.add(entry);
    try {
      entry.resolve(await deps.run(entry));
    } catch (error) {
      entry.reject(error);
    } finally {
      finish(entry);
      running.delete(entry);
      void runNext();
    }
  };
  const stop = (entry: Entry, reason: StopReason): void => {
    entry.stopReason ??= reason;
    if (running.has(entry)) {
      entry.controller.abort(stopError(entry.stopReason));
      return;
    }
    waiting.splice(waiting.indexOf(entry), 1);
    finish(entry);
    entry.reject(stopError(entry.stopReason));
  };

  return {
    submit(task) {
      const { job, deadline } = task.request;
      const known = entries.get(job);
      if (known !== undefined) return known.settled;
      if (draining) return Promise.reject(stopError('unavailable'));
      const leftMs = deadline - deps.clock.now();
      if (leftMs <= 0) return Promise.reject(stopError('deadline-exceeded'));
      if (running.size >= deps.inFlight && waiting.length >= deps.maxWaiting) {
        const error = new AppError(
          'unavailable',
          `${waiting.length} jobs are waiting; try later.`,
          {
            retryable: true,
          },
        );
        return Promise.reject(error);
      }
      const entry = createEntry(task);
      entry.timer = setTimeout(
        () => stop(entry, 'deadline-exceeded'),
        Math.min(leftMs, MAX_TIMER_MS),
      );
      entries.set(job, entry);
      waiting.push(entry);
      void runNext();
      return entry.settled;
    },
    cancel(job) {
      const entry = entries.get(job);
      if (entry === undefined) return false;
      stop(entry, 'canceled');
      return true;
    },
    state: (job) => entries.get(job)?.state,
    async drain(withinMs) {
      draining = true;
      for (const entry of entries.values()) {
        if (entry.state.startedAt === undefined) stop(entry, 'unavailable');
      }
      const last = [...running];
      const timer = setTimeout(() => {
        for (const entry of last) stop(entry, 'unavailable');
      }, withinMs);
      await Promise.allSettled(last.map(({ settled }) => settled));
      clearTimeout(timer);
    },
  };
}

function createEntry(task: Task): Entry {
  let resolve: Entry['resolve'] = () => undefined;
  let reject: Entry['reject'] = () => undefined;
  const settled = new Promise<Receipt>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  // Its submitter hears of a failure; for others it is not an unhandled rejection.
  settled.catch(() => undefined);
  const state: TaskState = { phase: 'queued', startedAt: undefined, imagesDone: 0 };
  const controller = new AbortController();
  const { signal } = controller;
  return {
    task,
    state,
    stopReason: undefined,
    signal,
    controller,
    settled,
    resolve,
    reject,
    timer: undefined,
  };
}
