import pRetry from 'p-retry';
import type { Clock } from '#shared/core/clock.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { InferenceRequest, Receipt } from '#shared/core/inference.ts';
import type {
  Completion,
  InferenceQueue,
  Progress,
} from '#shared/service/ports/inference-queue.ts';
import type { GpuClient } from './gpu-client.ts';

/** How often the GPU function is asked whether a job has begun, and how far it has come. */
const LOOK_MS = 100;
/** How long a function that refused a job is given no other. */
const REFUSAL_PAUSE_MS = 250;
/** Longest pause between two tries to report an end. */
const LONGEST_PAUSE_MS = 15_000;

export interface LoopbackQueueDeps {
  readonly clock: Clock;
  readonly client: GpuClient;
  /** Jobs that the GPU function has at one time: more than one, so that it never waits for the next. */
  readonly depth: number;
  /** Whether there is a process to hand jobs to. */
  readonly isUp: () => boolean;
  readonly onStarted: (job: JobId, startedAt: number) => Promise<void>;
  /** Called with each new number of finished images, once the job has begun. */
  readonly onProgress: (job: JobId, imagesDone: number) => Promise<void>;
  readonly onCompletion: (completion: Completion) => Promise<unknown>;
  readonly onError: (error: unknown, what: string) => void;
}

export interface LoopbackQueue extends InferenceQueue {
  /** How many orders of a model the GPU function has, running or ready to. */
  countInside(model: string): Promise<number>;
  /** Gives up on ends that could not be reported: the stores are about to close. */
  close(): void;
}

/** The GPU function on loopback as a queue: it keeps the jobs, and their ends are reported. */
export function createLoopbackQueue(deps: LoopbackQueueDeps): LoopbackQueue {
  const inside = new Map<JobId, { begun: boolean; readonly model: string }>();
  let ready = false;
  let closed = false;
  let pausedUntil = 0;

  const begin = async (job: JobId, startedAt: number): Promise<void> => {
    const entry = inside.get(job);
    if (entry === undefined || entry.begun) return;
    entry.begun = true;
    await deps.onStarted(job, startedAt);
  };

  const watch = async (job: JobId): Promise<void> => {
    for (let told = 0; inside.has(job); ) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const progress = await deps.client.progress(job);
      if (progress?.startedAt === undefined || progress.phase !== 'running') continue;
      await begin(job, progress.startedAt);
      if (progress.imagesDone > told) await deps.onProgress(job, progress.imagesDone);
      told = progress.imagesDone;
    }
  };

  const run = async (request: InferenceRequest): Promise<void> => {
    const job = request.job as JobId;
    watch(job).catch((error: unknown) => deps.onError(error, 'progress of a job'));
    const submittedAt = deps.clock.now();
    const outcome = await deps.client.invoke(request);
    // Its end is noticed a moment after its port has closed.
    if (outcome.kind === 'refused') pausedUntil = deps.clock.now() + REFUSAL_PAUSE_MS;
    if (outcome.kind === 'completed') {
      // Too quick to be seen at work: its own times tell when it began.
      const startedAt = Math.max(submittedAt, deps.clock.now() - workMs(outcome.receipt));
      await begin(job, startedAt).catch((error: unknown) => deps.onError(error, 'start of a job'));
    }
    inside.delete(job);
    await report({ job, outcome });
  };

  /** Reports an end until it is taken: the disk may be full for a while. */
  const report = (completion: Completion): Promise<unknown> =>
    pRetry(() => deps.onCompletion(completion), {
      retries: Number.POSITIVE_INFINITY,
      maxTimeout: LONGEST_PAUSE_MS,
      unref: true,
      onFailedAttempt: ({ error }) => deps.onError(error, `completion of job ${completion.job}`),
      shouldRetry: () => !closed,
    });

  const idlePhase = async (): Promise<Progress> => {
    ready = ready && deps.isUp() ? ready : await deps.client.isReady();
    if (ready) return { phase: 'running', imagesDone: 0 };
    return { phase: deps.isUp() ? 'loading' : 'provisioning', imagesDone: 0 };
  };

  return {
    countInside: async (model) =>
      [...inside.values()].filter((entry) => entry.model === model).length,

    close() {
      closed = true;
    },

    capacity: async () =>
      deps.isUp() && deps.clock.now() >= pausedUntil ? deps.depth - inside.size : 0,

    async submit(request) {
      const job = request.job as JobId;
      if (inside.has(job)) return;
      inside.set(job, { begun: false, model: request.model.name });
      // The failure was reported when it happened.
      run(request).catch(() => undefined);
    },

    cancel: (job) => (inside.has(job) ? deps.client.cancel(job) : Promise.resolve()),

    async progress(job) {
      const idle = await idlePhase();
      if (!inside.has(job)) return idle;
      const progress = await deps.client.progress(job);
      return progress === undefined ? { ...idle, phase: ready ? 'queued' : idle.phase } : progress;
    },
  };
}

function workMs({ ms }: Receipt): number {
  return Math.round(ms.load + ms.text + ms.unet + ms.vae + ms.encode + ms.upload);
}
