import { callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import type { ApiDeps } from '#functions/api/http/deps.ts';
import { parseCancelAfter } from '#functions/api/http/prefer.ts';
import { vetUrl } from '#shared/adapters/http/vet-url.ts';
import { AppError, withoutStack } from '#shared/core/errors.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { type Job, WEBHOOK_EVENTS } from '#shared/core/job.ts';
import { formatUsd, type MicroUsd } from '#shared/core/money.ts';
import type { Order, SubmitResult } from '#shared/service/domain/admission.ts';
import type { CatalogModel } from '#shared/service/domain/catalog.ts';
import type { Quote } from '#shared/service/domain/pricing.ts';
import {
  createImageInputSchema,
  invalidInput,
  type ParsedInput,
  parseImageInput,
} from './image-input.ts';
import { createLostCallers } from './lost-callers.ts';
import type { CreatePrediction } from './prediction-schema.ts';

type OrderDeps = Pick<
  ApiDeps,
  | 'peekBalance'
  | 'pricing'
  | 'admission'
  | 'catalog'
  | 'settings'
  | 'sha256Hex'
  | 'jobs'
  | 'clock'
  | 'onError'
>;

const encoder = new TextEncoder();

/** What one door of the API makes of a request, before the headers that all doors share. */
export interface OrderRequest {
  readonly model: CatalogModel;
  readonly dialect: Order['dialect'];
  /** The route's own name: idempotency keys and equal bodies count within it. */
  readonly route: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Where the input's members are in the request, for the paths of faults. */
  readonly inputPath?: readonly string[];
  /** For callers that can't poll: how long the job goes on when nobody asks for it. */
  readonly attachWithinMs?: number;
  readonly extras?: Pick<CreatePrediction, 'webhook' | 'webhook_events_filter' | 'metadata'>;
}

export interface SubmittedOrder {
  readonly job: Job;
  /** The order repeats an earlier one and costs nothing more. */
  readonly replayed: boolean;
}

/** The way from a request to a job, the same for every dialect. */
export function createOrderDesk(deps: OrderDeps) {
  const schemas = new Map(
    deps.catalog.models.map((model) => [model, createImageInputSchema(model)] as const),
  );
  const lostCallers = createLostCallers({
    jobs: deps.jobs,
    clock: deps.clock,
    onError: (error) => deps.onError(error, 'a lost connection'),
  });

  const readHeaders = (c: ApiContext, route: string) => {
    const { headers } = c.req.raw;
    const key = headers.get('idempotency-key');
    if (key !== null && !/^[\x20-\x7e]{1,255}$/.test(key)) {
      throw new AppError(
        'invalid-request',
        'Idempotency-Key must be 1 to 255 printable characters.',
        {
          details: { param: 'Idempotency-Key' },
        },
      );
    }
    const retryCount = Number(headers.get('x-stainless-retry-count') ?? 0);
    const cancelAfterMs = parseCancelAfter(headers.get('cancel-after') ?? undefined);
    return {
      ...(key === null ? {} : { idempotency: { route, key } }),
      ...(retryCount > 0 ? { retryCount } : {}),
      ...(cancelAfterMs === undefined ? {} : { cancelAfterMs }),
    };
  };

  const hashBody = async (c: ApiContext, route: string): Promise<string> => {
    const digest = c.get('facts').bodySha256 ?? deps.sha256Hex(await c.req.bytes());
    return deps.sha256Hex(encoder.encode(`${route} ${digest}`));
  };

  const schemaOf = (model: CatalogModel) => {
    const schema = schemas.get(model);
    if (schema === undefined) throw new AppError('internal-error', `no schema for ${model.name}`);
    return schema;
  };

  /** Refuses what can't be paid before a transaction does. */
  const assertFunds = async (
    account: AccountId,
    model: string,
    input: ParsedInput['input'],
  ): Promise<void> => {
    const balance = await deps.peekBalance?.(account);
    if (balance === undefined) return;
    const quote = deps.pricing.quote(model, input.width, input.height, input.num_outputs);
    if (balance < quote.total) throw insufficientFunds(quote, balance, deps.settings.topupUrl);
  };

  return {
    /**
     * Orders images.
     *
     * @throws AppError `invalid-input`, `insufficient-funds`, `key-budget-exceeded`, `queue-full`,
     *   `idempotency-mismatch`, `unavailable`
     */
    async submit(c: ApiContext, request: OrderRequest): Promise<SubmittedOrder> {
      const { model, dialect } = request;
      if (deps.settings.paused) {
        throw new AppError('unavailable', 'The service takes no orders at the moment.', {
          details: { retry_after: 60 },
        });
      }
      const { key } = callerOf(c);
      const parsed = parseImageInput(schemaOf(model), model, request.input, request.inputPath);
      const webhook = webhookOf(request.extras, deps.settings.allowLocalWebhooks);
      const tags = request.extras?.metadata;
      const headers = readHeaders(c, request.route);
      const mayBeLost = headers.idempotency === undefined && (await lostCallers.mayBeBack(key.id));
      // What may repeat an order that is paid for is let pass.
      const mayRepeat =
        headers.idempotency !== undefined ||
        headers.retryCount !== undefined ||
        request.attachWithinMs !== undefined ||
        mayBeLost;
      if (!mayRepeat) await assertFunds(key.account, model.name, parsed.input);
      const result = await deps.admission.submit({
        ...parsed,
        ...headers,
        ...(mayBeLost ? { mayBeLost } : {}),
        bodyHash: await hashBody(c, request.route),
        key,
        dialect,
        model,
        ...(request.attachWithinMs === undefined ? {} : { attachWithinMs: request.attachWithinMs }),
        ...(webhook === undefined ? {} : { webhook }),
        ...(tags === undefined || tags === null ? {} : { tags }),
      });
      const submitted = accept(result, deps.settings.topupUrl);
      noteAnswered(c, submitted.job, deps);
      if (headers.idempotency === undefined) {
        c.get('facts').onLost?.(() => lostCallers.note(key.id, submitted.job.id));
      }
      c.get('facts').job = submitted.job.id;
      return submitted;
    },
  };
}

export type OrderDesk = ReturnType<typeof createOrderDesk>;

/** Where the server can tell, notes that the answer arrived: a later equal order is a new one then. */
function noteAnswered(c: ApiContext, job: Job, deps: OrderDeps): void {
  const { onAnswered, requestId } = c.get('facts');
  onAnswered?.(() => {
    deps.jobs.markAnswered(job.id).catch((error: unknown) => deps.onError(error, requestId));
  });
}

function webhookOf(
  extras: OrderRequest['extras'],
  allowLocal: boolean,
): NonNullable<Job['webhook']> | undefined {
  const url = extras?.webhook;
  if (url === undefined || url === null || url === '') return undefined;
  const verdict = vetUrl(url, allowLocal);
  if (!verdict.ok) throw invalidInput([{ path: 'webhook', message: verdict.problem }]);
  const wanted = extras?.webhook_events_filter ?? [];
  return { url, events: wanted.length === 0 ? WEBHOOK_EVENTS : wanted };
}

function insufficientFunds(
  quote: Quote,
  balance: MicroUsd,
  topupUrl: string | undefined,
): AppError {
  return withoutStack(
    'insufficient-funds',
    `This costs ${formatUsd(quote.total)} and the balance is ${formatUsd(balance)}. Top up to go on.`,
    {
      details: {
        required: quote.total,
        available: balance,
        ...(topupUrl === undefined ? {} : { topup_url: topupUrl }),
      },
    },
  );
}

/** Turns what admission refused into errors that say what would help. */
function accept(result: SubmitResult, topupUrl: string | undefined): SubmittedOrder {
  const topup = topupUrl === undefined ? {} : { topup_url: topupUrl };
  switch (result.outcome) {
    case 'admitted':
      return { job: result.job, replayed: false };
    case 'replayed':
      return { job: result.job, replayed: true };
    case 'idempotency-mismatch':
      throw new AppError(
        'idempotency-mismatch',
        'This Idempotency-Key was used with another body. Use a new key for a new order.',
        { details: { param: 'Idempotency-Key', prediction: result.job } },
      );
    case 'insufficient-funds':
      throw insufficientFunds(result.quote, result.balance, topupUrl);
    case 'key-budget-exceeded':
      throw new AppError(
        'key-budget-exceeded',
        `This API key has spent ${formatUsd(result.spent)} of what it may in a ${result.window}. Raise its cap or use another key.`,
        {
          details: {
            window: result.window,
            spent: result.spent,
            required: result.quote.total,
            ...topup,
          },
        },
      );
    case 'queue-full':
      throw new AppError(
        'queue-full',
        `${result.depth} predictions are waiting already. Try again in a while.`,
        { retryable: true, details: { depth: result.depth, retry_after: 5 } },
      );
  }
}
