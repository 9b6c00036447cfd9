import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { createUlid, type JobId, type RandomBytes } from '#shared/core/ids.ts';
import type { ImageRecord } from '#shared/core/inference.ts';
import { isMade, isTerminal, type Job, runsOf } from '#shared/core/job.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { outputPrefix } from '#shared/core/output-keys.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { Completion, InferenceQueue } from '#shared/service/ports/inference-queue.ts';
import type {
  CancelCause,
  ChangeResult,
  JobStore,
  Settlement,
} from '#shared/service/ports/job-store.ts';
import { findDelivered } from './delivered-images.ts';
import { eventEntries } from './job-events.ts';
import { readStoredReceipt } from './stored-receipt.ts';
import { decide, type Ending } from './verdict.ts';
import { endEntries, planLogs } from './webhooks/events.ts';

export interface SettlementDeps {
  readonly jobs: Pick<
    JobStore,
    | 'get'
    | 'settle'
    | 'keepMade'
    | 'giveBack'
    | 'requestCancel'
    | 'markStarted'
    | 'noteProgress'
    | 'removeData'
  >;
  readonly blobs: Pick<BlobStore, 'head' | 'get' | 'list' | 'delete'>;
  readonly queue: Pick<InferenceQueue, 'cancel'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** How often a job is run before a retryable failure is its end; refusals don't count. Default 3. */
  readonly maxAttempts?: number;
  /**
   * Called after each change of a job by this process, with the webhooks that its transaction wrote.
   * Must not throw.
   */
  readonly onChange?: (job: Job, outbox: readonly OutboxEntry[]) => void;
  /** Settles the payment of a job that was made, where this process can. */
  readonly collect?: ((job: JobId) => Promise<Job | undefined>) | undefined;
}

type Unfinished = Exclude<Ending, { kind: 'completed' }>;

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
    if (job.payment !== undefined && verdict.images.length > 0) {
      const { status: _, capture: __, ...made } = verdict;
      return told(await jobs.keepMade(job.id, from, made, now));
    }
    const outbox = endEntries(job, verdict.images.length > 0, now);
    const result = await jobs.settle({
      ...verdict,
      job: job.id,
      from,
      completedAt: now,
      ledgerEntryId: createUlid(clock, randomBytes),
      outbox,
    });
    return told(result, outbox);
  };

  /** Reports a change and returns the changed job; undefined when nothing was changed. */
  const told = (
    { changed, job }: ChangeResult,
    outbox: readonly OutboxEntry[] = [],
  ): Job | undefined => {
    if (!changed || job === undefined) return undefined;
    deps.onChange?.(job, outbox);
    return job;
  };

  /** Files that a late or repeated run left behind, which no settled job lists. */
  const removeStrays = async (job: Job, images: readonly ImageRecord[]): Promise<void> => {
    const listed = new Set(job.images.map(({ key }) => key));
    const strays = images.map(({ key }) => key).filter((key) => !listed.has(key));
    for (const key of strays) if (key.startsWith(outputPrefix(job.id))) await blobs.delete(key);
  };

  /** Ends a job by the report of a run, which says nothing of what another run left in storage. */
  const endUnfinished = async (
    job: Job,
    ending: Unfinished,
    images: readonly ImageRecord[] = [],
  ): Promise<Job | undefined> => {
    const receipt = images.length > 0 ? undefined : await readStoredReceipt(job.id, blobs);
    const known = { ...ending, ...defined({ receipt }) };
    return settle(job, { state: 'open' }, known, receipt?.images ?? images);
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
      const refused = outcome.kind === 'refused';
      if ((refused || runsOf(job) < maxAttempts) && clock.now() < job.deadline) {
        const requeued = told(await jobs.giveBack(job.id, job.lease.token, refused));
        return requeued === undefined ? 'ignored' : 'requeued';
      }
    }
    const ended = await endUnfinished(job, toEnding(job, outcome), images);
    return ended === undefined ? 'ignored' : 'settled';
  };

  const settleFromStorage = async (
    job: Job,
    ending: 'canceled' | 'deadline-exceeded',
  ): Promise<Job | undefined> => {
    const receipt = await readStoredReceipt(job.id, blobs);
    const known: Ending =
      ending === 'canceled'
        ? { kind: 'canceled', receipt }
        : { kind: 'failed', code: ending, message: 'The prediction took too long', receipt };
    return settle(job, { state: 'open' }, known, receipt?.images ?? []);
  };

  return {
    /**
     * Settles a job from what its run reported. Repeated, late, reordered and unknown completions
     * change nothing, except that files which were not paid for are removed.
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
    async applyStart(id: JobId, startedAt: number, imagesDone = 0): Promise<void> {
      const job = await jobs.get(id);
      if (job?.lease === undefined || job.status !== 'starting') return;
      const now = clock.now();
      const { toldAt, entries } = planLogs(job, now, imagesDone);
      const outbox = [...eventEntries(job, 'start', now), ...entries];
      const start = {
        startedAt,
        ...(wantsLogs(job) && { progress: { imagesDone, toldAt } }),
      };
      told(await jobs.markStarted(id, job.lease.token, start, outbox), outbox);
    },

    /**
     * Notes, for its webhooks, how many images a started job has finished; late and repeated notes
     * change nothing. Jobs whose webhooks want no `logs` are left alone.
     */
    async applyProgress(id: JobId, imagesDone: number): Promise<void> {
      if (imagesDone === 0) return;
      const job = await jobs.get(id);
      if (job?.lease === undefined || job.status !== 'processing' || !wantsLogs(job)) return;
      if (imagesDone <= (job.progress?.imagesDone ?? 0)) return;
      const { toldAt, entries } = planLogs(job, clock.now(), imagesDone);
      const { token } = job.lease;
      told(await jobs.noteProgress(id, token, { imagesDone, toldAt }, entries), entries);
    },

    /**
     * Cancels: a waiting job ends here and is released; a running one is asked to stop and ends with
     * its completion; an ended one stays as it is. Undefined when there is no such job.
     *
     * @param runningPerHour how many running jobs an account may cancel in an hour; past that the job
     *   runs on and has the warning `too-many-cancels`. No limit by default
     * @param by `cancel-after` stops only a running job that is past its own `Cancel-After`
     */
    async cancelJob(
      id: JobId,
      runningPerHour?: number,
      by?: CancelCause,
    ): Promise<Job | undefined> {
      const asked = await jobs.requestCancel(id, clock.now(), runningPerHour, by);
      if (asked.job === undefined || isTerminal(asked.job.status)) return asked.job;
      if (asked.job.cancelRequestedAt === undefined) return asked.job;
      const ended = await settle(asked.job, { state: 'queued' }, { kind: 'canceled' }, []);
      if (ended !== undefined) return ended;
      await queue.cancel(id);
      return jobs.get(id);
    },

    /** Ends an open job with what is in storage: its completion got lost or its time is over. */
    settleFromStorage,

    /** Ends a job that can't be run; what an earlier run of it left in storage is delivered. */
    fail: (job: Job, ending: Extract<Ending, { kind: 'failed' }>) => endUnfinished(job, ending),

    /**
     * Settles a running job whose receipt is in storage although no completion came, and goes on with the
     * payment of one that was made.
     */
    async reconcile(id: JobId): Promise<Job | undefined> {
      const job = await jobs.get(id);
      if (job === undefined || isTerminal(job.status)) return job;
      if (isMade(job)) return (await deps.collect?.(id)) ?? job;
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

function wantsLogs(job: Job): boolean {
  return job.webhook?.events.includes('logs') === true;
}

/**
 * A run that was stopped without a cancellation is worth another: by a shutdown, or since it was late for a
 * `Cancel-After` that was refused meanwhile.
 */
function isRetryable(outcome: Completion['outcome']): boolean {
  if (outcome.kind === 'refused') return true;
  if (outcome.kind !== 'failed') return false;
  return outcome.code === 'canceled' || (outcome.retryable && outcome.images.length === 0);
}

function toEnding(
  job: Job,
  outcome: Exclude<Completion['outcome'], { kind: 'completed' }>,
): Unfinished {
  const isLate =
    outcome.kind !== 'failed' ||
    outcome.code === 'deadline-exceeded' ||
    // Not begun, as its `Cancel-After` had passed.
    outcome.code === 'canceled';
  if (job.cancelRequestedAt !== undefined) return { kind: 'canceled' };
  if (isLate && job.cancelAtDeadline === true) return { kind: 'canceled' };
  if (outcome.kind === 'failed') {
    return { kind: 'failed', code: outcome.code, message: outcome.message };
  }
  return { kind: 'failed', code: 'deadline-exceeded', message: 'The prediction waited too long' };
}
