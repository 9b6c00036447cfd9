import type { ErrorCode } from '#shared/core/errors.ts';
import type { AccountId, JobId, KeyId } from '#shared/core/ids.ts';
import type { ImageRecord, Receipt } from '#shared/core/inference.ts';
import { isMade, isTerminal, type Job, type JobProgress } from '#shared/core/job.ts';
import type { MicroUsd } from '#shared/core/money.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import type { MadeWork } from '#shared/core/payment.ts';

/** Everything that the one admission transaction checks and writes. */
export interface Admission {
  /** The job as it will be stored, but for its `rank`, which the store assigns. */
  readonly job: Omit<Job, 'rank'>;
  readonly dayCap?: MicroUsd;
  readonly monthCap?: MicroUsd;
  readonly idempotency?: {
    /** Account, route and the client's key in one text. */
    readonly scope: string;
    readonly expiresAt: number;
  };
  /** Most open jobs that the deployment takes, and most of one account. */
  readonly queueLimit: number;
  readonly accountQueueLimit: number;
  /** Most work of one payer, and from one network address, that may be unpaid at one time. */
  readonly unpaidLimits?: UnpaidLimits;
  readonly ledgerEntryId: string;
  readonly outbox: readonly OutboxEntry[];
}

export interface UnpaidLimits {
  readonly payer: number;
  readonly address: number;
}

export type AdmissionResult =
  | { readonly outcome: 'admitted'; readonly job: Job }
  /** The idempotency key has a job of the same body: this is it. Nothing was written. */
  | { readonly outcome: 'replayed'; readonly job: Job }
  | { readonly outcome: 'idempotency-mismatch'; readonly job: JobId }
  | { readonly outcome: 'insufficient-funds'; readonly balance: MicroUsd }
  /** A payment was taken back that was spent already. */
  | { readonly outcome: 'account-owes'; readonly owed: MicroUsd }
  | {
      readonly outcome: 'key-budget-exceeded';
      readonly window: 'day' | 'month';
      readonly spent: MicroUsd;
    }
  /** `depth`: the open jobs of all, or of the account where its own share is used up. */
  /** Too much work is not paid for yet, or was not paid for today. */
  | { readonly outcome: 'unpaid-work'; readonly of: keyof UnpaidLimits }
  | { readonly outcome: 'queue-full'; readonly depth: number; readonly of: 'all' | 'account' };

/** Everything that the one terminal transaction of a job writes. */
export interface Settlement {
  readonly job: JobId;
  /**
   * The state that the settlement was decided from; the transaction fails if the job is elsewhere:
   * `queued` = starting and never claimed or given back; `claimed` = under the lease of this token;
   * `open` = any state that is not terminal; `made` = run, and its payment as of this attempt.
   */
  readonly from:
    | { readonly state: 'queued' | 'open' }
    | { readonly state: 'claimed'; readonly token: number }
    | { readonly state: 'made'; readonly attempts: number };
  readonly status: 'succeeded' | 'failed' | 'canceled';
  /** Zero releases the hold in full. Never above the hold. */
  readonly capture: MicroUsd;
  readonly completedAt: number;
  readonly images: readonly ImageRecord[];
  readonly receipt?: Receipt;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  readonly warnings: readonly string[];
  /** How the payment of a job that has one ended. Without it, one that is open is released. */
  readonly payment?:
    | {
        readonly state: 'settled';
        readonly transaction: string;
        /** Of the ledger's `grant` and `hold`, which come before the capture. */
        readonly grantEntryId: string;
        readonly holdEntryId: string;
        readonly auditId: string;
      }
    | { readonly state: 'unsettled'; readonly failure: string };
  readonly ledgerEntryId: string;
  readonly outbox: readonly OutboxEntry[];
}

/** Whether a job is in the state that a settlement was decided from. */
export function isSettleable(job: Job, from: Settlement['from']): boolean {
  if (isTerminal(job.status)) return false;
  if (from.state === 'made') return isMade(job) && job.payment?.attempts === from.attempts;
  // What was made is the payment's to end.
  if (isMade(job)) return false;
  if (from.state === 'open') return true;
  if (from.state === 'claimed') return job.lease?.token === from.token;
  return job.lease === undefined;
}

/** `job` is the state after the call, changed by it or not; undefined if there is no such job. */
export interface ChangeResult {
  readonly changed: boolean;
  readonly job: Job | undefined;
}

/** What wants a job cancelled, if not a request. */
export type CancelCause = 'cancel-after';

/** How far the settling of a payment has come. */
export interface SettlingNote {
  /** Whether another attempt begins; it counts from then on. */
  readonly isNew: boolean;
  /** When to look at it again. */
  readonly nextAt: number;
  /** Until when nobody else asks; as it was where absent. */
  readonly turnEndsAt?: number;
  /** Of the first attempt. */
  readonly fromBlock?: number;
  /** The attempt under way was answered with a refusal. */
  readonly wasRefused?: boolean;
}

export interface JobQuery {
  readonly account: AccountId;
  /** Only jobs older than this id (exclusive): the cursor of a page. */
  readonly before?: JobId;
  /** Only jobs younger than this id, oldest first when no `before`: the cursor of the page back. */
  readonly after?: JobId;
  readonly createdAfter?: number;
  readonly createdBefore?: number;
  readonly tag?: { readonly name: string; readonly value: string };
  readonly limit: number;
}

/**
 * Jobs and the money that they hold. Each method that writes is one transaction with a condition; it
 * may be repeated after a crash or a lost answer without a second effect.
 */
export interface JobStore {
  /** Key caps, balance → hold, job, idempotency record, `hold` ledger entry; all or nothing. */
  admit(admission: Admission): Promise<AdmissionResult>;

  get(id: JobId): Promise<Job | undefined>;

  /** Newest first (ids sort by time); no previews. */
  list(query: JobQuery): Promise<readonly Job[]>;

  /**
   * The key's youngest job of this body, created at `since` or later, that an equal request may be
   * repeating: one whose answer was never finished, or one that is parked. Marks it as found, so that
   * it is given out only once.
   *
   * @param only `parked` leaves those out whose answer may still be on its way
   */
  takeUnanswered(
    key: KeyId,
    bodyHash: string,
    since: number,
    only?: 'parked',
  ): Promise<Job | undefined>;

  /** Notes that the caller was asked to retry: an equal request gets this job. */
  park(id: JobId): Promise<void>;

  /** Notes that a create's answer was written in full; a parked job stays parked. */
  markAnswered(id: JobId): Promise<void>;

  /** Postpones the time by which a job whose caller can't poll must be asked for; never advances it. */
  extendAttach(id: JobId, attachBy: number): Promise<void>;

  /**
   * Claims the model's open job of smallest rank that has no lease (never claimed, given back, or the
   * lease ran out before `now`) and is not to be cancelled: the lease's token grows by one.
   *
   * Ranks are start-time fair queueing: at admission a job gets 1 + the larger of its account's last
   * rank and the rank last claimed, both per model; ties go by id.
   */
  claimNext(model: string, now: number, leaseMs: number): Promise<Job | undefined>;

  /** Extends a lease; refused when the token is not the latest. */
  renewLease(id: JobId, token: number, expiresAt: number): Promise<ChangeResult>;

  /**
   * Puts a claimed job back into the queue at its old rank: `starting` again, without a lease.
   *
   * @param refused whether nobody took the job over: the claim then doesn't count as a run
   */
  giveBack(id: JobId, token: number, refused?: boolean): Promise<ChangeResult>;

  /** Gives back every claimed job. Only for the one process that owns the whole store, at its start. */
  giveBackAll(): Promise<number>;

  /** `starting` → `processing`, under the token; writes the outbox entries of the `start` event. */
  markStarted(
    id: JobId,
    token: number,
    start: { readonly startedAt: number; readonly progress?: JobProgress },
    outbox: readonly OutboxEntry[],
  ): Promise<ChangeResult>;

  /**
   * Notes how far a `processing` job has come, under the token, with the outbox entries that tell of
   * it; refused unless more images are done than were noted.
   */
  noteProgress(
    id: JobId,
    token: number,
    progress: JobProgress,
    outbox: readonly OutboxEntry[],
  ): Promise<ChangeResult>;

  /**
   * Notes a request to cancel an open job; the time of the first request stays.
   *
   * @param runningPerHour how many claimed jobs an account may cancel in an hour by the clock. Past
   *   that the job runs on, with a warning that says so, and nothing was changed by the wish. Waiting
   *   jobs don't count. No limit by default
   * @param by `cancel-after` asks only for a claimed job that is past its own `Cancel-After`; one that
   *   runs on has its `latestEnd` as its deadline from then on. Default the client's request
   */
  requestCancel(
    id: JobId,
    at: number,
    runningPerHour?: number,
    by?: CancelCause,
  ): Promise<ChangeResult>;

  /** The job that an idempotency record names, unless the record has expired. */
  findByScope(scope: string, now: number): Promise<Job | undefined>;

  /**
   * Keeps what a run has made back until its payment has settled, under the conditions of a settlement:
   * the job stays open, has no lease and is never claimed again. Only for a job with a payment.
   */
  keepMade(id: JobId, from: Settlement['from'], made: MadeWork, at: number): Promise<ChangeResult>;

  /**
   * Notes an attempt to settle the payment of a job that was made; refused unless `attempts` is what the
   * payment had, so that one process makes each attempt.
   */
  noteSettling(id: JobId, attempts: number, note: SettlingNote): Promise<ChangeResult>;

  /** Capture or release, terminal state and outbox entries; all or nothing, once per job. */
  settle(settlement: Settlement): Promise<ChangeResult>;

  /**
   * Open jobs past their deadline or `attachBy`, or with a cancellation requested, the most overdue
   * first.
   */
  listOverdue(now: number, limit: number): Promise<readonly Job[]>;

  /**
   * Ended jobs completed before a time whose data is still there, oldest first.
   *
   * @param which jobs that are kept for a while, or previews. @default kept
   */
  listRemovable(
    completedBefore: number,
    limit: number,
    which?: 'kept' | 'previews',
  ): Promise<readonly Job[]>;

  /**
   * Erases input, output records and receipt of an ended job, and the addresses of its webhooks: of those
   * that are still to be sent, once they are over. The ledger stays.
   */
  removeData(id: JobId, at: number): Promise<ChangeResult>;

  /** Open jobs that no worker holds, all accounts. */
  queueDepth(): Promise<number>;

  /**
   * How many jobs of the same model are before this one (0 = next); undefined when it was not waiting
   * as it was read. May be up to a second old.
   */
  queuePosition(job: Job): Promise<number | undefined>;
}
