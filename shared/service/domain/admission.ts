import type { ApiKey } from '#shared/core/account.ts';
import type { Clock } from '#shared/core/clock.ts';
import { toIso } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { createUlid, type JobId, type RandomBytes } from '#shared/core/ids.ts';
import type { Dialect, Job, JobInput } from '#shared/core/job.ts';
import { nameWords, readPrompt } from '#shared/core/prompt-words.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import { type JobPayment, paymentReference } from '#shared/core/payment.ts';
import type {
  Admission,
  AdmissionResult,
  JobStore,
  UnpaidLimits,
} from '#shared/service/ports/job-store.ts';
import type { PromptCheck } from './block-list.ts';
import type { CatalogModel } from './catalog.ts';
import type { Pricing, Quote } from './pricing.ts';

const HOUR_MS = 3_600_000;
/** A payment's job has to end this long before the payment does: it is settled after that. */
const SETTLING_MS = 2 * 60_000;
/** A retry attaches to a job that is no older than this. */
const UNANSWERED_MS = 10 * 60_000;

export interface AdmissionSettings {
  /** Most open jobs that the deployment takes, and most of one account: nobody fills it alone. */
  readonly queueLimit: number;
  readonly accountQueueLimit: number;
  /** When a job without a deadline of its own must have ended, counted from its creation. */
  readonly deadlineMs: number;
  /** How long an ended job's data is kept; its idempotency record lives a day longer. */
  readonly retentionMs: number;
}

export interface AdmissionDeps {
  readonly jobs: Pick<JobStore, 'admit' | 'takeUnanswered'>;
  readonly pricing: Pricing;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly settings: AdmissionSettings;
  /** Why a prompt is not taken; every prompt is where there is none. */
  readonly checkPrompt?: PromptCheck | undefined;
  /** Called with each admitted job, such as to wake the dispatcher. Must not throw. */
  readonly onAdmitted?: (job: Job) => void;
}

/** A valid request, as each of the API's dialects passes it on. */
export interface Order {
  readonly key: ApiKey;
  readonly dialect: Dialect;
  readonly model: Pick<CatalogModel, 'name' | 'digest' | 'words'>;
  /** Every default filled in but the seed, which is drawn when absent. */
  readonly input: Omit<JobInput, 'seed'> & { readonly seed?: number };
  /** The request's own `input`, validated: echoed in answers. */
  readonly requestInput: Readonly<Record<string, unknown>>;
  /** SHA-256 of the request's body, hex. */
  readonly bodyHash: string;
  /** The client's `Idempotency-Key`, with the route it was sent to. */
  readonly idempotency?: { readonly route: string; readonly key: string };
  /** `X-Stainless-Retry-Count`: above zero, the order may be one whose answer got lost. */
  readonly retryCount?: number;
  /** The key has recently lost an answer: the order may repeat that one. */
  readonly mayBeLost?: boolean;
  /** `Cancel-After`: milliseconds from creation after which the job is cancelled. */
  readonly cancelAfterMs?: number;
  /** For callers that can't poll: the job is cancelled unless it is asked for within this time. */
  readonly attachWithinMs?: number;
  readonly webhook?: NonNullable<Job['webhook']>;
  readonly tags?: Job['tags'];
  /** See `Job.preview`. */
  readonly preview?: true;
  readonly traceparent?: string;
  /** Pays for the order once it is made, in place of credit, and names it in place of `idempotency`. */
  readonly payment?: JobPayment;
  readonly unpaidLimits?: UnpaidLimits;
}

/**
 * `admitted` is a new job with its hold; `replayed` an earlier one that the order repeats. The others
 * left nothing behind: no job, no hold.
 */
export type SubmitResult = AdmissionResult & { readonly quote: Quote };

/** The one way in for jobs: price, hold, deadline, seed and idempotency. */
export function createAdmission(deps: AdmissionDeps) {
  const { jobs, clock, randomBytes } = deps;

  const attach = async (order: Order): Promise<Job | undefined> => {
    const retried = (order.retryCount ?? 0) > 0;
    const mayBeParked = order.attachWithinMs !== undefined || order.mayBeLost === true;
    const isNamed = order.idempotency !== undefined || order.payment !== undefined;
    if (isNamed || !(retried || mayBeParked)) return undefined;
    const now = clock.now();
    const take = (ageMs: number, only?: 'parked') =>
      jobs.takeUnanswered(order.key.id, order.bodyHash, now - ageMs, only);
    const unanswered = retried ? await take(UNANSWERED_MS) : undefined;
    // A caller asked to retry may do so for as long as the job can live: a cold start takes minutes.
    return unanswered ?? take(deps.settings.deadlineMs, 'parked');
  };

  const quoteFor = ({ model, input }: Pick<Order, 'model' | 'input'>): Quote => {
    const objection = deps.checkPrompt?.(input.prompt);
    if (objection !== undefined) {
      throw new AppError('content-blocked', objection, { details: { param: 'prompt' } });
    }
    return deps.pricing.quote(model.name, input);
  };

  return {
    /** What an order would cost; throws as `submit` does. */
    quote: quoteFor,

    /**
     * @throws AppError `invalid-input` when the model has no price for the size, `content-blocked`
     *   for a prompt that is not taken
     */
    async submit(order: Order): Promise<SubmitResult> {
      const quote = quoteFor(order);
      const found = await attach(order);
      if (found !== undefined) return { outcome: 'replayed', job: found, quote };
      const result = await jobs.admit(toAdmission(order, quote, deps.settings, clock, randomBytes));
      if (result.outcome === 'admitted') deps.onAdmitted?.(result.job);
      return { ...result, quote };
    },
  };
}

export type AdmissionService = ReturnType<typeof createAdmission>;

function toAdmission(
  order: Order,
  quote: Quote,
  settings: AdmissionSettings,
  clock: Clock,
  randomBytes: RandomBytes,
): Admission {
  const { key } = order;
  const now = clock.now();
  const job = toJob(order, quote, settings, clock, randomBytes);
  const scope = scopeOf(order);
  return {
    job,
    ...defined({
      dayCap: key.dayCap,
      monthCap: key.monthCap,
      unpaidLimits: order.unpaidLimits,
    }),
    ...(scope !== undefined && {
      idempotency: {
        scope,
        expiresAt: now + settings.deadlineMs + settings.retentionMs + 24 * HOUR_MS,
      },
    }),
    queueLimit: settings.queueLimit,
    accountQueueLimit: settings.accountQueueLimit,
    ledgerEntryId: createUlid(clock, randomBytes),
    outbox: [],
  };
}

function scopeOf({ key, payment, idempotency }: Order): string | undefined {
  if (payment !== undefined) return paymentReference(payment);
  return idempotency && `${key.account}|${idempotency.route}|${idempotency.key}`;
}

/** The latest end of a job, and of one whose payment would be void before that. */
function latestEnd(order: Order, settings: AdmissionSettings, now: number): number {
  const latest = now + settings.deadlineMs;
  const { payment } = order;
  return payment === undefined
    ? latest
    : Math.min(latest, payment.validBefore * 1000 - SETTLING_MS);
}

function toJob(
  order: Order,
  quote: Quote,
  settings: AdmissionSettings,
  clock: Clock,
  randomBytes: RandomBytes,
): Admission['job'] {
  const { key, model } = order;
  const now = clock.now();
  const [seed = 0] = new Uint32Array(randomBytes(4).slice().buffer);
  const cancelAfterMs = order.cancelAfterMs ?? Number.POSITIVE_INFINITY;
  const latest = latestEnd(order, settings, now);
  const deadline = Math.min(now + cancelAfterMs, latest);
  return {
    id: createUlid(clock, randomBytes) as JobId,
    account: key.account,
    key: key.id,
    dialect: order.dialect,
    model: { name: model.name, digest: model.digest },
    input: { ...order.input, seed: order.input.seed ?? seed },
    requestInput: order.requestInput,
    bodyHash: order.bodyHash,
    status: 'starting',
    createdAt: now,
    deadline,
    ...(cancelAfterMs <= settings.deadlineMs && { cancelAtDeadline: true }),
    ...(deadline < latest && { latestEnd: latest }),
    price: { perImage: quote.perImage, version: quote.version },
    // A payment is no money yet, so it can't be held.
    hold: order.payment === undefined ? quote.total : ZERO_USD,
    budgetDay: toIso(now).slice(0, 10),
    budgetMonth: toIso(now).slice(0, 7),
    ...defined({ budgetKey: key.budgetKey }),
    attempts: 0,
    ...(order.attachWithinMs !== undefined && { attachBy: now + order.attachWithinMs }),
    images: [],
    warnings: wordWarnings(order.input.prompt, model),
    ...defined({
      webhook: order.webhook,
      preview: order.preview,
      traceparent: order.traceparent,
      payment: order.payment,
    }),
    tags: order.tags ?? {},
  };
}

/** Names the words that a model with a small vocabulary ignores: the picture is charged all the same. */
function wordWarnings(prompt: string, { words }: Order['model']): string[] {
  if (words === undefined) return [];
  const { unknown } = readPrompt(prompt, words);
  if (unknown.length === 0) return [];
  const does = unknown.length === 1 ? 'is a word' : 'are words';
  return [`unknown-words: ${nameWords(unknown)} ${does} that this model doesn’t know and ignores`];
}
