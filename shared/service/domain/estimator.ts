import { LRUCache } from 'lru-cache';
import type { Clock } from '#shared/core/clock.ts';
import type { JobId } from '#shared/core/ids.ts';
import { isMade, isTerminal, type Job, type JobPhase } from '#shared/core/job.ts';
import type { InferenceQueue, Progress } from '#shared/service/ports/inference-queue.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';

export interface Estimate {
  readonly phase: JobPhase;
  /** Jobs of the model before this one (0 = next); absent once it was handed over. */
  readonly queuePosition?: number;
  /** Seconds until the job is likely done, rounded up. */
  readonly etaSeconds: number;
  readonly imagesDone: number;
}

export interface EstimatorDeps {
  readonly jobs: Pick<JobStore, 'queuePosition' | 'queueDepth'>;
  readonly queue: Pick<InferenceQueue, 'progress'>;
  readonly clock: Clock;
  /** What one image takes until a job has shown it. */
  readonly expectedImageMs: number;
  /** Jobs that run at the same time. */
  readonly lanes: number;
}

/** What an order placed now would meet. */
export interface Forecast {
  readonly phase: JobPhase;
  readonly jobsAhead: number;
  /** Seconds until its images are likely there, rounded up. */
  readonly etaSeconds: number;
}

/** Weight of the newest job in the running mean. */
const NEWEST = 0.2;
/** An id that no job has: asks a queue for its own state. */
const NO_JOB = '00000000000000000000000000' as JobId;
/** How long an estimate is given out again, and for how many jobs. */
/** What settling a payment mostly takes. */
const SETTLING_SECONDS = 5;
const CACHE_MS = 1000;
const CACHE_SIZE = 20_000;

/** Queue position, phase and time to wait of open jobs, from how long past ones took. */
export function createEstimator(deps: EstimatorDeps) {
  const { clock } = deps;
  const imageMs = new Map<string, number>();
  const cache = new LRUCache<JobId, { readonly at: number; readonly estimate: Estimate }>({
    max: CACHE_SIZE,
  });

  const perImage = (model: string) => imageMs.get(model) ?? deps.expectedImageMs;

  const compute = async (job: Job): Promise<Estimate> => {
    if (isMade(job)) return { phase: 'running', etaSeconds: SETTLING_SECONDS, imagesDone: 1 };
    const images = job.input?.num_outputs ?? 1;
    const each = perImage(job.model.name);
    const position = await deps.jobs.queuePosition(job);
    const progress = await deps.queue.progress(job.id, job.model.name);
    const readyInMs = progress.readyInMs ?? 0;
    if (position !== undefined) {
      const aheadMs = ((position + 1) / deps.lanes) * each * images;
      return {
        phase: waitingPhase(progress),
        queuePosition: position,
        etaSeconds: toSeconds(readyInMs + aheadMs),
        imagesDone: 0,
      };
    }
    const leftMs = Math.max(1, images - progress.imagesDone) * each;
    return {
      phase: progress.phase,
      etaSeconds: toSeconds(readyInMs + leftMs),
      imagesDone: progress.imagesDone,
    };
  };

  return {
    /** Learns from an ended job; ignores those that never ran. */
    observe(job: Job): void {
      if (!isTerminal(job.status)) return;
      cache.delete(job.id);
      if (job.startedAt === undefined || job.completedAt === undefined) return;
      // The time of a payment is none of the model's.
      if (job.images.length === 0 || job.payment !== undefined) return;
      const taken = (job.completedAt - job.startedAt) / job.images.length;
      const old = imageMs.get(job.model.name);
      imageMs.set(job.model.name, old === undefined ? taken : old + NEWEST * (taken - old));
    },

    /** What a new order of this many images would meet. */
    async forecast(model: string, images: number): Promise<Forecast> {
      const jobsAhead = await deps.jobs.queueDepth();
      const progress = await deps.queue.progress(NO_JOB, model);
      const workMs = (jobsAhead / deps.lanes + images) * perImage(model);
      return {
        phase: waitingPhase(progress),
        jobsAhead,
        etaSeconds: toSeconds((progress.readyInMs ?? 0) + workMs),
      };
    },

    /** The state of an open job, at most a second old. */
    async estimate(job: Job): Promise<Estimate> {
      const hit = cache.get(job.id);
      const now = clock.now();
      if (hit !== undefined && now - hit.at < CACHE_MS) return hit.estimate;
      const estimate = await compute(job);
      cache.set(job.id, { at: now, estimate });
      return estimate;
    },
  };
}

export type Estimator = ReturnType<typeof createEstimator>;

/** A job that waits for its turn is `queued`, unless nothing can run yet at all. */
function waitingPhase(progress: Progress): JobPhase {
  return progress.phase === 'running' ? 'queued' : progress.phase;
}

function toSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
