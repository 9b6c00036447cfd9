import type { ErrorCode } from './errors.ts';
import type { AccountId, JobId, KeyId } from './ids.ts';
import type { ImageFormat, ImageRecord, Receipt } from './inference.ts';
import type { MicroUsd } from './money.ts';
import type { JobPayment } from './payment.ts';

export const JOB_STATUSES = ['starting', 'processing', 'succeeded', 'failed', 'canceled'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Why an open job is not done yet. */
export const JOB_PHASES = ['queued', 'provisioning', 'loading', 'running'] as const;
export type JobPhase = (typeof JOB_PHASES)[number];

const DIALECTS = ['replicate', 'openai', 'bytes', 'fal', 'mcp', 'sdapi'] as const;
/** Through which door the job came. */
export type Dialect = (typeof DIALECTS)[number];

export const WEBHOOK_EVENTS = ['start', 'output', 'logs', 'completed'] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** What was ordered, every default filled in: enough to make the same image again. */
export interface JobInput {
  readonly prompt: string;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly num_outputs: number;
  readonly output_format: ImageFormat;
  readonly output_quality: number;
  /** By the model's smaller decoder; absent for its own. */
  readonly decoder?: 'draft';
}

/** Who may change a leased job: the holder of its latest token, until it expires. */
export interface Lease {
  /** Grows by one with each claim; a write with an older token is refused (fencing). */
  readonly token: number;
  readonly expiresAt: number;
}

/** How far a run has come, as its webhooks tell it. */
export interface JobProgress {
  /** Images finished. */
  readonly imagesDone: number;
  /** When the latest `logs` webhook was or is due: the next one waits for its time to pass. */
  readonly toldAt: number;
}

/** A request for images, from admission to settlement. */
export interface Job {
  readonly id: JobId;
  readonly account: AccountId;
  readonly key: KeyId;
  readonly dialect: Dialect;
  /** Made to look at while one types: in no list, without webhooks, soon erased. */
  readonly preview?: true;
  readonly model: { readonly name: string; readonly digest: string };
  /** Null once erased. */
  readonly input: JobInput | null;
  /** The request's own `input` object after validation, echoed in answers; null once erased. */
  readonly requestInput: Readonly<Record<string, unknown>> | null;
  /** SHA-256 of the request's body, hex: what "the same body" means for idempotency. */
  readonly bodyHash: string;
  readonly status: JobStatus;
  /** Place in the fair order of the queue: smaller goes first. */
  readonly rank: number;
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly completedAt?: number;
  /** When the job must have ended, in milliseconds since the Unix epoch. */
  readonly deadline: number;
  /** The client set the deadline (`Cancel-After`): reaching it is a cancellation, not a failure. */
  readonly cancelAtDeadline?: boolean;
  /** When a run must have ended that its `Cancel-After` has not stopped. Default `deadline`. */
  readonly latestEnd?: number;
  readonly price: { readonly perImage: MicroUsd; readonly version: string };
  readonly hold: MicroUsd;
  /** The UTC day and month whose caps the hold counts against: `2026-11-23`, `2026-11`. */
  readonly budgetDay: string;
  readonly budgetMonth: string;
  /** The key whose caps those are, if not `key` itself: the first that it replaced. */
  readonly budgetKey?: KeyId;
  /** What pays for it, where no account has paid before: nothing is held then. */
  readonly payment?: JobPayment;
  /** What was captured; set when the job ends. */
  readonly cost?: MicroUsd;
  /** How often the job was claimed: the token of its latest lease. */
  readonly attempts: number;
  /** How many of those claims came to nothing, since the GPU function did not take the job over. Default none. */
  readonly refusals?: number;
  readonly lease?: Lease;
  /** While it runs, for a job whose webhook wants `logs`. */
  readonly progress?: JobProgress;
  /** For callers that can't poll: the job is cancelled unless it is asked for by then. */
  readonly attachBy?: number;
  readonly cancelRequestedAt?: number;
  readonly images: readonly ImageRecord[];
  readonly receipt?: Receipt;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  readonly warnings: readonly string[];
  readonly webhook?: { readonly url: string; readonly events: readonly WebhookEvent[] };
  readonly tags: Readonly<Record<string, string>>;
  /** The W3C trace that the order is a part of, as the client named it. */
  readonly traceparent?: string;
  /** When input and output were erased, by request or by retention. */
  readonly dataRemovedAt?: number;
}

/** How often the job was taken over to be run. */
export const runsOf = ({ attempts, refusals = 0 }: Pick<Job, 'attempts' | 'refusals'>): number =>
  attempts - refusals;

/** When a run of the job is stopped at the latest. */
export const latestEndOf = ({ deadline, latestEnd = deadline }: Job): number => latestEnd;

/** Whether a job has ended. Ended jobs never change but for the erasure of their data. */
export function isTerminal(status: JobStatus): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'canceled';
}

/**
 * What is left of an ended job once its data is erased: what was charged, when, and with which model.
 * Nothing that the client wrote remains: prompts may be in warnings, secrets in tags and addresses.
 */
export function withoutData(job: Job, at: number): Job {
  const { receipt: _, webhook: __, ...rest } = job;
  const nothing = { input: null, requestInput: null, images: [], warnings: [], tags: {} };
  return { ...rest, ...nothing, dataRemovedAt: at };
}

/** Whether a job was run and is only waiting to be paid for. */
export function isMade(job: Job): boolean {
  return !isTerminal(job.status) && job.payment?.made !== undefined;
}

/** Whether a job's payment is to be gone on with now. */
export function isToCollect(job: Job, now: number): boolean {
  return isMade(job) && (job.payment?.nextAt ?? 0) <= now;
}

/** Whether a job is in line. One whose cancellation was requested is never handed out. */
export function isWaiting(job: Job): boolean {
  if (isTerminal(job.status) || isMade(job)) return false;
  return job.lease === undefined && job.cancelRequestedAt === undefined;
}

/** The key whose caps a job's hold counts against. */
export function budgetKeyOfJob(job: Pick<Job, 'key' | 'budgetKey'>): KeyId {
  return job.budgetKey ?? job.key;
}
