import { callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import type { ApiDeps } from '#functions/api/http/deps.ts';
import { invalidInput } from '#functions/api/http/errors.ts';
import { parseCancelAfter } from '#functions/api/http/prefer.ts';
import { createPaidOrders, type PaidOrderDeps } from '#functions/api/payments/paid-orders.ts';
import { vetUrl } from '#shared/adapters/http/vet-url.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import type { AccountId, JobId } from '#shared/core/ids.ts';
import { type Job, WEBHOOK_EVENTS } from '#shared/core/job.ts';
import { formatUsd, type MicroUsd, microUsd } from '#shared/core/money.ts';
import { readTraceparent } from '#shared/core/traceparent.ts';
import type { SubmitResult } from '#shared/service/domain/admission.ts';
import type { Quote } from '#shared/service/domain/pricing.ts';
import { imageInputSchema, type ParsedInput, parseImageInput } from './image-input.ts';
import { createLostCallers } from './lost-callers.ts';
import type { OrderRequest } from './order-request.ts';

type IntakeDeps = Pick<
  ApiDeps,
  | 'peekBalance'
  | 'pricing'
  | 'admission'
  | 'catalog'
  | 'settings'
  | 'jobs'
  | 'clock'
  | 'waitUntil'
  | 'onError'
  | 'payments'
  | 'cards'
> &
  PaidOrderDeps;

export interface Submitted {
  readonly job: Job;
  /** Says that the order repeats an earlier one and costs nothing more; otherwise empty. */
  readonly replayHeaders: Readonly<Record<string, string>>;
}

/** The way from a request to a job, the same for every dialect. */
export function createPredictionIntake(deps: IntakeDeps) {
  const lostCallers = createLostCallers({
    jobs: deps.jobs,
    clock: deps.clock,
    onError: (error) => deps.onError(error, 'a lost connection'),
  });

  /** Beside the order: an account whose credit runs low may buy more by itself. */
  const considerTopup = (account: AccountId, requestId: string): void => {
    const looking = deps.cards?.auto
      .consider(account)
      .catch((error: unknown) => deps.onError(error, requestId));
    if (looking !== undefined) deps.waitUntil?.(looking);
  };

  /** Refuses an order that can't be paid for without a transaction. */
  const assertFunds = async (
    c: ApiContext,
    model: string,
    input: ParsedInput['input'],
  ): Promise<void> => {
    const { account } = callerOf(c).key;
    const balance = await deps.peekBalance?.(account);
    if (balance === undefined) return;
    const quote = deps.pricing.quote(model, input);
    if (balance >= quote.total) return;
    considerTopup(account, c.get('facts').requestId);
    if (balance < 0) throw accountOwes(microUsd(-balance), deps.settings.topupUrl);
    throw insufficientFunds(quote, balance, deps.settings.topupUrl);
  };

  const paidOrders = deps.payments && createPaidOrders(deps, deps.payments);

  return {
    /**
     * Orders images.
     *
     * @throws AppError `invalid-input`, `insufficient-funds`, `account-owes`, `key-budget-exceeded`,
     *   `queue-full`, `idempotency-mismatch`, `unavailable`; `payment-required`, `payment-invalid`
     */
    async submit(c: ApiContext, order: OrderRequest): Promise<Submitted> {
      const { model, dialect, route, extras, cannotPoll = false } = order;
      const { paused, maxWaitMs, attachGraceMs, topupUrl, allowLocalWebhooks } = deps.settings;
      if (paused) {
        throw new AppError('unavailable', 'The service takes no orders at the moment.', {
          details: { retry_after: 60 },
        });
      }
      const facts = c.get('facts');
      const parsed = parseImageInput(imageInputSchema(model), model, order.input, order.inputPath);
      const headers = readHeaders(c, route);
      if (paidOrders !== undefined && facts.caller === undefined) {
        const { idempotency, cancelAfterMs } = headers;
        const bodyHash = await hashBody(c, route);
        const result = await paidOrders.submit(c, {
          ...{ request: order, parsed, bodyHash },
          ...{ clientKey: idempotency?.key, cancelAfterMs },
        });
        const paid = accept(result, topupUrl);
        facts.job = paid.job.id;
        return paid;
      }
      const { key } = callerOf(c);
      const webhook = webhookOf(extras, allowLocalWebhooks);
      const mayBeLost = headers.idempotency === undefined && (await lostCallers.mayBeBack(key.id));
      // An order that may repeat one already paid for is not refused for want of credit.
      const mayRepeat =
        headers.idempotency !== undefined ||
        headers.retryCount !== undefined ||
        cannotPoll ||
        mayBeLost;
      if (!mayRepeat) await assertFunds(c, model.name, parsed.input);
      const result = await deps.admission.submit({
        ...parsed,
        ...headers,
        bodyHash: await hashBody(c, route),
        key,
        dialect,
        model,
        ...defined({
          mayBeLost: mayBeLost || undefined,
          attachWithinMs: cannotPoll ? maxWaitMs + attachGraceMs : undefined,
          webhook,
          tags: extras?.metadata ?? undefined,
          preview: extras?.preview === true || undefined,
        }),
      });
      considerTopup(key.account, facts.requestId);
      const submitted = accept(result, topupUrl);
      const { id } = submitted.job;
      noteAnswered(c, id, deps);
      if (headers.idempotency === undefined)
        facts.end?.onLost?.(() => lostCallers.note(key.id, id));
      facts.job = id;
      return submitted;
    },
  };
}

export type PredictionIntake = ReturnType<typeof createPredictionIntake>;

function readHeaders(c: ApiContext, route: string) {
  const { headers } = c.req.raw;
  const key = headers.get('idempotency-key');
  if (key !== null && !/^[\x20-\x7e]{1,255}$/.test(key)) {
    const problem = 'Idempotency-Key must be 1 to 255 printable characters.';
    throw new AppError('invalid-request', problem, { details: { param: 'Idempotency-Key' } });
  }
  const retryCount = Number(headers.get('x-stainless-retry-count') ?? 0);
  return defined({
    idempotency: key === null ? undefined : { route, key },
    retryCount: retryCount > 0 ? retryCount : undefined,
    cancelAfterMs: parseCancelAfter(headers.get('cancel-after') ?? undefined),
    traceparent: readTraceparent(headers.get('traceparent')),
  });
}

async function hashBody(c: ApiContext, route: string): Promise<string> {
  const digest = c.get('facts').bodySha256 ?? sha256Hex(await c.req.bytes());
  return sha256Hex(`${route} ${digest}`);
}

/** Where the server can tell, notes that the answer arrived: a later equal order is a new one then. */
function noteAnswered(c: ApiContext, job: JobId, deps: IntakeDeps): void {
  const { end, requestId } = c.get('facts');
  end?.onAnswered(() => {
    const noted = deps.jobs.markAnswered(job);
    deps.waitUntil?.(noted.catch((error: unknown) => deps.onError(error, requestId)));
  });
}

function webhookOf(
  extras: OrderRequest['extras'],
  allowLocal: boolean,
): NonNullable<Job['webhook']> | undefined {
  const url = extras?.webhook;
  if (url === undefined || url === null || url === '') return undefined;
  if (extras?.preview === true) {
    throw invalidInput([
      { path: 'webhook', message: 'a preview sends none; leave one of them out' },
    ]);
  }
  const verdict = vetUrl(url, allowLocal);
  if (!verdict.ok) throw invalidInput([{ path: 'webhook', message: verdict.problem }]);
  const wanted = extras?.webhook_events_filter ?? [];
  return { url, events: wanted.length === 0 ? WEBHOOK_EVENTS : wanted };
}

function insufficientFunds(quote: Quote, balance: MicroUsd, topup_url?: string): AppError {
  return new AppError(
    'insufficient-funds',
    `This costs ${formatUsd(quote.total)} and the balance is ${formatUsd(balance)}. Top up to continue.`,
    { details: { required: quote.total, available: balance, ...defined({ topup_url }) } },
  );
}

function accountOwes(owed: MicroUsd, topup_url?: string): AppError {
  return new AppError(
    'account-owes',
    `A payment of this account was taken back after it was spent, and ${formatUsd(owed)} of it is owed. Top up by that and what the order costs.`,
    { details: { owed, ...defined({ topup_url }) } },
  );
}

const UNPAID = {
  payer:
    'Orders of this wallet are not paid for yet, or were not paid for today. Wait until they are settled, or try again tomorrow.',
  address:
    'Orders from this network address are not paid for yet, or were not paid for today. Wait until they are settled, or try again tomorrow.',
} as const;

/** Turns what admission refused into errors that say what would help. */
function accept(result: SubmitResult, topup_url: string | undefined): Submitted {
  switch (result.outcome) {
    case 'admitted':
      return { job: result.job, replayHeaders: {} };
    case 'replayed':
      return { job: result.job, replayHeaders: { 'idempotency-replayed': 'true' } };
    case 'idempotency-mismatch':
      throw new AppError(
        'idempotency-mismatch',
        'This Idempotency-Key was used with another body. Use a new key for a new order.',
        { details: { param: 'Idempotency-Key', prediction: result.job } },
      );
    case 'insufficient-funds':
      throw insufficientFunds(result.quote, result.balance, topup_url);
    case 'account-owes':
      throw accountOwes(result.owed, topup_url);
    case 'key-budget-exceeded': {
      const { window, spent, quote } = result;
      throw new AppError(
        'key-budget-exceeded',
        `This API key has spent ${formatUsd(spent)} of what it may in a ${window}. Raise its cap or use another key.`,
        { details: { window, spent, required: quote.total, ...defined({ topup_url }) } },
      );
    }
    case 'unpaid-work':
      throw new AppError('rate-limited', UNPAID[result.of], { details: { retry_after: 60 } });
    case 'queue-full':
      throw new AppError(
        'queue-full',
        result.of === 'account'
          ? `${result.depth} predictions of this account are waiting already, the most that one may have. Try again when some have ended.`
          : `${result.depth} predictions are waiting already. Try again later.`,
        { retryable: true, details: { depth: result.depth, retry_after: 5 } },
      );
  }
}
