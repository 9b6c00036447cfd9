import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError, assert } from '#shared/core/errors.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import { isTerminal, type Job, latestEndOf, runsOf } from '#shared/core/job.ts';
import type { InferenceQueue } from '#shared/service/ports/inference-queue.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import { createLoop } from './loop.ts';
import type { SettlementService } from './settlement.ts';

export interface DispatcherSettings {
  /** How long a claim lasts unless it is renewed. */
  readonly leaseMs: number;
  /** Until when a renewed lease lasts, in milliseconds since the Unix epoch. Default now + `leaseMs`. */
  readonly leaseUntil?: (job: Job) => number;
  /** Pause between two looks at the queue that nothing woke. Default 1 s. */
  readonly pollMs?: number;
  /** Pause after a failure, during which waking has no effect. Default 1 s. */
  readonly backoffMs?: number;
}

export interface DispatcherDeps {
  readonly jobs: Pick<JobStore, 'claimNext' | 'renewLease' | 'giveBack' | 'giveBackAll' | 'get'>;
  readonly queue: Pick<InferenceQueue, 'capacity' | 'submit' | 'cancel'>;
  readonly settlement: Pick<SettlementService, 'fail' | 'settleFromStorage'>;
  /** Names of the models on offer. */
  readonly models: () => readonly string[];
  readonly clock: Clock;
  /** Where the GPU function puts the job's images. */
  readonly outputStore: (job: JobId) => InferenceRequest['store'];
  /** Key that signs the receipt in each image (base64), where there is one. */
  readonly signingKey?: string;
  readonly settings: DispatcherSettings;
  readonly onError: (error: unknown, what: string) => void;
}

/** A job that failed this often for unknown reasons is given up: it must not block those behind it. */
const MAX_HANDOVERS = 3;
const COULD_NOT_START = {
  code: 'internal-error',
  message: 'The prediction could not be started',
} as const;

/** Moves jobs from the table, in its fair order, to where they are run. */
export function createDispatcher(deps: DispatcherDeps) {
  const { jobs, queue, clock, settings } = deps;
  const { leaseUntil = () => clock.now() + settings.leaseMs } = settings;
  /** What this process has handed over, as it was claimed. */
  const leased = new Map<JobId, ClaimedJob>();
  const loop = createLoop(settings.pollMs ?? 1000);
  let renewal: ReturnType<typeof setInterval> | undefined;
  let stopping = false;

  /** Whether the job was taken over by the queue. */
  const hand = async (job: Job): Promise<boolean> => {
    assert(isClaimed(job), `job ${job.id} was claimed without a lease`);
    if (job.deadline <= clock.now()) {
      const canceled = job.cancelAtDeadline === true;
      await deps.settlement.settleFromStorage(job, canceled ? 'canceled' : 'deadline-exceeded');
      return false;
    }
    leased.set(job.id, job);
    try {
      await queue.submit(toRequest(job, deps));
    } catch (error) {
      leased.delete(job.id);
      await refuse(job, error);
      return false;
    }
    // A cancellation between claim and submission found nothing to stop.
    const current = await jobs.get(job.id);
    if (current === undefined || isTerminal(current.status)) leased.delete(job.id);
    else if (current.cancelRequestedAt === undefined) return true;
    await queue.cancel(job.id);
    return true;
  };

  /** Ends a job that can't be handed over, or puts it back and passes the failure on. */
  const refuse = async (job: ClaimedJob, error: unknown): Promise<void> => {
    const known = error instanceof AppError ? error : undefined;
    const isTransient = known?.retryable === true;
    const isPermanent = known !== undefined && !isTransient && known.status < 500;
    if (isPermanent || (!isTransient && runsOf(job) >= MAX_HANDOVERS)) {
      const { code, message } = isPermanent ? known : COULD_NOT_START;
      await deps.settlement.fail(job, { kind: 'failed', code, message });
      if (isPermanent) return;
    } else {
      await jobs.giveBack(job.id, job.lease.token, isTransient);
    }
    throw error;
  };

  const dispatchModel = async (model: string): Promise<number> => {
    let handed = 0;
    for (let room = await queue.capacity(model); room > 0 && !stopping; ) {
      const job = await jobs.claimNext(model, clock.now(), settings.leaseMs);
      if (job === undefined) break;
      if (!(await hand(job))) continue;
      room--;
      handed++;
    }
    return handed;
  };

  /**
   * Claims and hands over as many jobs as the queue has room for; returns their number.
   *
   * @throws the first failure that was not one job's own fault; the jobs wait again
   */
  const dispatchOnce = async (): Promise<number> => {
    let handed = 0;
    const failures: unknown[] = [];
    for (const model of deps.models()) {
      try {
        handed += await dispatchModel(model);
      } catch (error) {
        // One model's endpoint that is down must not stop the others.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return handed;
  };

  /** Extends the leases of the jobs that this process handed over and that have not ended. */
  const renewLeases = async (): Promise<void> => {
    for (const [id, job] of leased) {
      const renewed = await jobs.renewLease(id, job.lease.token, leaseUntil(job));
      if (!renewed.changed && leased.get(id) === job) leased.delete(id);
    }
  };

  const turn = async (): Promise<void> => {
    try {
      await dispatchOnce();
    } catch (error) {
      deps.onError(error, 'dispatch');
      await new Promise((resolve) => setTimeout(resolve, settings.backoffMs ?? 1000));
    }
  };

  return {
    dispatchOnce,
    renewLeases,
    /** Gives back what an earlier process had claimed; only for the store's one owner, at its start. */
    recover: () => jobs.giveBackAll(),
    /** Jobs handed over by this process that have not ended. */
    running: () => leased.size,
    /** Looks at the queue soon, because a job came in or room became free. */
    wake: loop.wake,

    /** Begins the loop. The owner of the whole store first calls `recover`. */
    start() {
      renewal = setInterval(() => {
        renewLeases().catch((error: unknown) => deps.onError(error, 'lease renewal'));
      }, settings.leaseMs / 3);
      loop.start(turn);
    },

    /** Call with each changed job: forgets ended and requeued ones, and wakes. */
    onChange(job: Job): void {
      const mine = leased.get(job.id);
      if (mine === undefined) return;
      if (isTerminal(job.status) || job.lease?.token !== mine.lease.token) {
        leased.delete(job.id);
        loop.wake();
      }
    },

    /** Stops claiming, waits for running jobs, and gives back those that take longer. */
    async drain(timeoutMs: number): Promise<void> {
      stopping = true;
      await loop.stop();
      const until = Date.now() + timeoutMs;
      while (leased.size > 0 && Date.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      clearInterval(renewal);
      for (const [id, { lease }] of leased) {
        try {
          // Given back first: what the stopped run reports then no longer speaks for the job.
          await jobs.giveBack(id, lease.token);
          await queue.cancel(id);
        } catch (error) {
          // Its lease runs out, or the next owner of the store gives it back.
          deps.onError(error, `giving back job ${id}`);
        }
      }
      leased.clear();
    },
  };
}

type ClaimedJob = Job & { readonly lease: NonNullable<Job['lease']> };

function isClaimed(job: Job): job is ClaimedJob {
  return job.lease !== undefined;
}

function toRequest(
  job: Job,
  deps: Pick<DispatcherDeps, 'outputStore' | 'signingKey'>,
): InferenceRequest {
  assert(job.input !== null, `the input of open job ${job.id} is gone`);
  return {
    job: job.id,
    model: job.model,
    ...job.input,
    store: deps.outputStore(job.id),
    // Whether its own `Cancel-After` may stop a run is counted: the sweep asks for that when it is due.
    deadline: latestEndOf(job),
    ...defined({
      begin_by: job.cancelAtDeadline === true ? job.deadline : undefined,
      signing_key: deps.signingKey,
      traceparent: job.traceparent,
    }),
  };
}
