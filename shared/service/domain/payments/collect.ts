import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { createUlid, type JobId, type RandomBytes } from '#shared/core/ids.ts';
import { isMade, isTerminal, type Job } from '#shared/core/job.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import type { JobPayment } from '#shared/core/payment.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { JobStore, Settlement } from '#shared/service/ports/job-store.ts';
import type { PaymentGateway, SettleAnswer } from '#shared/service/ports/payment-gateway.ts';

/** How long one process has for an attempt: longer than a facilitator may take to answer. */
const TURN_MS = 120_000;
/** How soon it is looked at meanwhile: that process may have died. */
const LOOK_MS = 10_000;
/** A refusal that may not be the whole truth is believed after so many: by then a transfer would be found. */
const BELIEVED_REFUSALS = 3;
/** Between two attempts; doubled each time. */
const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 60_000;

export interface CollectorDeps {
  readonly jobs: Pick<JobStore, 'get' | 'noteSettling' | 'settle'>;
  readonly gateway: PaymentGateway;
  readonly blobs: Pick<BlobStore, 'delete'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Called with each job that has ended here. Must not throw. */
  readonly onChange: (job: Job) => void;
  readonly onError: (error: unknown, what: string) => void;
}

type MadeJob = Job & { readonly payment: JobPayment };
type PaymentEnd = NonNullable<Settlement['payment']>;
type Outcome =
  | { readonly state: 'settled'; readonly transaction: string }
  | Extract<PaymentEnd, { state: 'unsettled' }>;

/** Has the payments of jobs that were made settled: only then their images are handed out. */
export function createCollector(deps: CollectorDeps) {
  const { jobs, gateway, clock, randomBytes } = deps;

  const end = async (job: MadeJob, outcome: Outcome): Promise<Job | undefined> => {
    const { made, attempts, amount } = job.payment;
    const isPaid = outcome.state === 'settled';
    const newId = () => createUlid(clock, randomBytes);
    const payment: PaymentEnd = isPaid
      ? { ...outcome, grantEntryId: newId(), holdEntryId: newId(), auditId: newId() }
      : outcome;
    const result = await jobs.settle({
      job: job.id,
      from: { state: 'made', attempts },
      status: isPaid ? 'succeeded' : 'failed',
      capture: isPaid ? amount : ZERO_USD,
      completedAt: clock.now(),
      images: isPaid ? (made?.images ?? []) : [],
      ...defined({ receipt: isPaid ? made?.receipt : undefined }),
      ...(!isPaid && {
        error: { code: 'payment-invalid', message: unpaidMessage(outcome.failure) },
      }),
      warnings: made?.warnings ?? [],
      payment,
      ledgerEntryId: newId(),
      outbox: [],
    });
    if (!result.changed || result.job === undefined) return result.job;
    deps.onChange(result.job);
    // What a crash leaves here goes with the job's data.
    if (!isPaid) for (const { key } of made?.images ?? []) await deps.blobs.delete(key);
    return result.job;
  };

  /** Ends the job where the chain has the last word; undefined where it has not spoken. */
  const endByChain = async (job: MadeJob): Promise<Job | undefined> => {
    const found = await gateway.find(job.payment);
    if (found.kind === 'paid') {
      return end(job, { state: 'settled', transaction: found.transaction });
    }
    if (found.kind === 'spent') {
      return end(job, { state: 'unsettled', failure: 'the payer has withdrawn it' });
    }
    if (found.at < job.payment.validBefore) return undefined;
    return end(job, { state: 'unsettled', failure: 'it has expired' });
  };

  /** Leaves it for a while, and free for whoever is next. */
  const postpone = async (job: MadeJob, wasRefused = false): Promise<Job | undefined> => {
    const { attempts } = job.payment;
    const nextAt = clock.now() + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts);
    const note = { isNew: false, nextAt, turnEndsAt: nextAt, wasRefused };
    return (await jobs.noteSettling(job.id, attempts, note)).job;
  };

  /** Leaves it to the process that is at it. */
  const leave = async (job: MadeJob): Promise<Job | undefined> => {
    const nextAt = clock.now() + LOOK_MS;
    return (await jobs.noteSettling(job.id, job.payment.attempts, { isNew: false, nextAt })).job;
  };

  const ask = async (job: MadeJob): Promise<SettleAnswer | undefined> => {
    try {
      return await gateway.settle(job.payment);
    } catch (error) {
      deps.onError(error, `settling the payment of ${job.id}`);
      return undefined;
    }
  };

  const attempt = async (job: MadeJob): Promise<Job | undefined> => {
    // Whatever is asked for must be findable: without the chain nothing is.
    const fromBlock = await gateway.height();
    const now = clock.now();
    const begun = await jobs.noteSettling(job.id, job.payment.attempts, {
      isNew: true,
      nextAt: now + LOOK_MS,
      turnEndsAt: now + TURN_MS,
      fromBlock,
    });
    if (!begun.changed || !isMadeJob(begun.job)) return begun.job;
    const answer = await ask(begun.job);
    if (answer?.kind === 'settled') {
      return end(begun.job, { state: 'settled', transaction: answer.transaction });
    }
    const ended = await endByChain(begun.job);
    if (ended !== undefined) return ended;
    if (answer === undefined) return postpone(begun.job);
    const { attempts, refusals = 0 } = begun.job.payment;
    // An earlier attempt whose answer got lost may still reach the chain.
    const areAllAnswered = refusals === attempts - 1;
    if (areAllAnswered && (answer.isSure || attempts >= BELIEVED_REFUSALS)) {
      return end(begun.job, { state: 'unsettled', failure: answer.reason });
    }
    return postpone(begun.job, true);
  };

  return {
    /**
     * Goes on with the payment of a job: looks the transfer up by its nonce if it was asked for before,
     * and asks for it otherwise. The job as it is then; undefined if there is none.
     */
    async collect(id: JobId): Promise<Job | undefined> {
      const job = await jobs.get(id);
      if (!isMadeJob(job)) return job;
      try {
        if (job.payment.state === 'settling') {
          const ended = await endByChain(job);
          if (ended !== undefined) return ended;
        }
        const { nextAt = 0, turnEndsAt = 0 } = job.payment;
        const now = clock.now();
        if (nextAt > now) return job;
        return turnEndsAt > now ? await leave(job) : await attempt(job);
      } catch (error) {
        deps.onError(error, `the payment of ${id}`);
        const latest = await jobs.get(id);
        return isMadeJob(latest) ? postpone(latest) : latest;
      }
    },
  };
}

export type Collector = ReturnType<typeof createCollector>;

function isMadeJob(job: Job | undefined): job is MadeJob {
  return job !== undefined && !isTerminal(job.status) && isMade(job);
}

function unpaidMessage(failure: string): string {
  return `The payment could not be settled: ${failure}. Nothing was taken. Order again with a new payment.`;
}
