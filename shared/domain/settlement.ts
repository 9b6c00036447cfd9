import type { Clock } from '#shared/core/clock.ts';
import { createUlid, type JobId, type RandomBytes } from '#shared/core/ids.ts';
import type { ImageRecord } from '#shared/core/inference.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import { outputPrefix } from '#shared/core/output-keys.ts';
import type { BlobStore } from '#shared/ports/blob-store.ts';
import type { Completion, InferenceQueue } from '#shared/ports/inference-queue.ts';
import type { JobStore, Settlement } from '#shared/ports/job-store.ts';
import { findDelivered } from './delivered-images.ts';
import { eventEntries } from './job-events.ts';
import { readStoredReceipt } from './stored-receipt.ts';
import { decide, type Ending } from './verdict.ts';
import { progressEntries } from './webhooks/events.ts';

export interface SettlementDeps {
  readonly jobs: Pick<
    JobStore,
    'get' | 'settle' | 'giveBack' | 'requestCancel' | 'markStarted' | 'removeData'
  >;
  readonly blobs: Pick<BlobStore, 'head' | 'get' | 'list' | 'delete'>;
  readonly queue: Pick<InferenceQueue, 'cancel'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** How often a job is run before a retryable failure is its end. Default 3. */
  readonly maxAttempts?: number;
  /** Told of each change of a job that this process brought about. Must not throw. */
  readonly onChange?: (job: Job) => void;
}

/** What became of a completion. */
export type CompletionResult = 'settled' | 'requeued' | 'ignored';

/** Ends of jobs: the only place that captures or releases money. */
export function createSettlement(deps: SettlementDeps) {
  const { jobs, blobs, queue, clock, randomBytes } = deps;
  const maxAttempts = deps.maxAttempts ?? 3;

  const settle = async (
    job: Job,
    from: Settlement['from'],
    ending: Ending,
    images: readonly ImageRecord[],
  ): Promise<Job | undefined> => {
    const verdict = decide(job, ending, await findDelivered(job, images, blobs));
    const now = clock.now();
    const result = await jobs.settle({
      ...verdict,
      job: job.id,
      from,
      completedAt: now,
      ledgerEntryId: createUlid(clock, randomBytes),
      outbox: [
        ...(verdict.images.length === 0 ? [] : progressEntries(job, 'output', now)),
        ...progressEntries(job, 'logs', now),
        ...eventEntries(job, 'completed', now),
      ],
    });
    if (!result.changed || result.job === undefined) return undefined;
    deps.onChange?.(result.job);
    return result.job;
  };

  /** Files that a late or repeated run left behind, which no settled job lists. */
  const removeStrays = async (job: Job, images: readonly ImageRecord[]): Promise<void> => {
    const listed = new Set(job.images.map(({ key }) => key));
    const strays = images.map(({ key }) => key).filter((key) => !listed.has(key));
    for (const key of strays) if (key.startsWith(outputPrefix(job.id))) await blobs.delete(key);
  };

  const applyToOpen = async (job: Job, { outcome }: Completion): Promise<CompletionResult> => {
    if (outcome.kind === 'completed') {
      const ended = await settle(job, { state: 'open' }, outcome, outcome.receipt.images);
      return ended === undefined ? 'ignored' : 'settled';
    }
    const images = outcome.kind === 'failed' ? outcome.images : [];
    if (job.cancelRequestedAt === undefined && isRetryable(outcome)) {
      // A claim ended by this very failure can be taken again; an older one's failure says nothing.
      if (job.lease === undefined) return 'ignored';
      if (job.attempts < maxAttempts && clock.now() < job.deadline) {
        const result = await jobs.giveBack(job.id, job.lease.token);
        if (!result.changed || result.job === undefined) return 'ignored';
        deps.onChange?.(result.job);
        return 'requeued';
      }
    }
    const ended = await settle(job, { state: 'open' }, toEnding(job, outcome), images);
    return ended === undefined ? 'ignored' : 'settled';
  };

  const settleFromStorage = async (
    job: Job,
    ending: 'canceled' | 'deadline-exceeded',
  ): Promise<Job | undefined> => {
    const receipt = await readStoredReceipt(job.id, blobs);
    const told: Ending =
      ending === 'canceled'
        ? { kind: 'canceled', receipt }
        : { kind: 'failed', code: ending, message: 'The prediction took too long', receipt };
    return settle(job, { state: 'open' }, told, receipt?.images ?? []);
  };

  return {
    /**
     * Settles a job from what its run reported. Repeated, late, reordered and unknown completions
     * change nothing but for the removal of files that nobody paid for.
     */
    async applyCompletion(completion: Completion): Promise<CompletionResult> {
      const job = await jobs.get(completion.job);
      if (job === undefined) return 'ignored';
      if (!isTerminal(job.status)) {
        const result = await applyToOpen(job, completion);
        if (result !== 'ignored') return result;
      }
      const { outcome } = completion;
      const images =
        outcome.kind === 'completed'
          ? outcome.receipt.images
          : outcome.kind === 'failed'
            ? outcome.images
            : [];
      const ended = await jobs.get(completion.job);
      if (ended !== undefined && isTerminal(ended.status)) await removeStrays(ended, images);
      return 'ignored';
    },

    /** Notes that the GPU function began with a job; late and repeated notes change nothing. */
    async applyStart(id: JobId, startedAt: number): Promise<void> {
      const job = await jobs.get(id);
      if (job?.lease === undefined || job.status !== 'starting') return;
      const now = clock.now();
      const entries = [...eventEntries(job, 'start', now), ...progressEntries(job, 'logs', now)];
      const result = await jobs.markStarted(id, job.lease.token, startedAt, entries);
      if (result.changed && result.job !== undefined) deps.onChange?.(result.job);
    },

    /**
     * Cancels: a waiting job ends here and is released; a running one is asked to stop and ends with
     * its completion; an ended one stays as it is. Undefined when there is no such job.
     */
    async cancelJob(id: JobId): Promise<Job | undefined> {
      const asked = await jobs.requestCancel(id, clock.now());
      if (asked.job === undefined || isTerminal(asked.job.status)) return asked.job;
      const ended = await settle(asked.job, { state: 'queued' }, { kind: 'canceled' }, []);
      if (ended !== undefined) return ended;
      await queue.cancel(id);
      return jobs.get(id);
    },

    /** Ends an open job with what is in storage: its completion got lost or its time is over. */
    settleFromStorage,

    /** Ends a job that never got to run, or can't be. */
    fail: (job: Job, ending: Extract<Ending, { kind: 'failed' }>) =>
      settle(job, { state: 'open' }, ending, []),

    /** Settles a running job whose receipt is in storage although no completion came. */
    async reconcile(id: JobId): Promise<Job | undefined> {
      const job = await jobs.get(id);
      if (job === undefined || isTerminal(job.status)) return job;
      const receipt = await readStoredReceipt(id, blobs);
      if (receipt === undefined) return job;
      const ending: Ending = { kind: 'completed', receipt };
      return (await settle(job, { state: 'open' }, ending, receipt.images)) ?? jobs.get(id);
    },

    /**
     * Erases an ended job's input and output; the ledger stays. Undefined when there is no such job,
     * and the job as it is when it has not ended.
     */
    async removeJobData(id: JobId): Promise<Job | undefined> {
      const job = await jobs.get(id);
      if (job === undefined || !isTerminal(job.status)) return job;
      // Files first: while the row still lists them, an interrupted removal is found again.
      for (const key of await blobs.list(outputPrefix(id))) await blobs.delete(key);
      return (await jobs.removeData(id, clock.now())).job;
    },
  };
}

export type SettlementService = ReturnType<typeof createSettlement>;

/** A run that was stopped although nobody cancelled the job (a shutdown) is worth another. */
function isRetryable(outcome: Completion['outcome']): boolean {
  if (outcome.kind !== 'failed') return false;
  return outcome.code === 'canceled' || (outcome.retryable && outcome.images.length === 0);
}

function toEnding(
  job: Job,
  outcome: Exclude<Completion['outcome'], { kind: 'completed' }>,
): Ending {
  const pastDeadline = outcome.kind === 'expired' || outcome.code === 'deadline-exceeded';
  if (job.cancelRequestedAt !== undefined) return { kind: 'canceled' };
  if (pastDeadline && job.cancelAtDeadline === true) return { kind: 'canceled' };
  if (outcome.kind === 'failed') {
    return { kind: 'failed', code: outcome.code, message: outcome.message };
  }
  return { kind: 'failed', code: 'deadline-exceeded', message: 'The prediction waited too long' };
}
