import type { ApiContext } from '#functions/api/http/context.ts';
import type { ApiDeps, PaymentDeps } from '#functions/api/http/deps.ts';
import { invalidInput } from '#functions/api/http/errors.ts';
import { ACCOUNT_DISABLED } from '#functions/api/http/authenticate.ts';
import type { OrderRequest } from '#functions/api/predictions/order-request.ts';
import type { ParsedInput } from '#functions/api/predictions/image-input.ts';
import { authorizationProblem } from '#shared/adapters/http/authorization.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import { createUlid } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { formatUsd, type MicroUsd } from '#shared/core/money.ts';
import type { JobPayment } from '#shared/core/payment.ts';
import type { SubmitResult } from '#shared/service/domain/admission.ts';
import {
  PAYER_RATE_PER_MINUTE,
  payerAccount,
  payerAudit,
  payerKey,
} from '#shared/service/domain/payments/payer.ts';

export type PaidOrderDeps = Pick<
  ApiDeps,
  'admission' | 'jobs' | 'ledger' | 'rateLimiter' | 'clock' | 'randomBytes'
>;

/** What of an order is the same for those with an account and those without. */
export interface ReadOrder {
  readonly request: OrderRequest;
  readonly parsed: ParsedInput;
  readonly bodyHash: string;
  /** The client's `Idempotency-Key`: only who knows it can repeat the order. */
  readonly clientKey?: string | undefined;
  readonly cancelAfterMs?: number | undefined;
}

const REPLAYED = 'This payment pays for another order. Sign a new one for this order.';

/** Orders of callers without an account, who pay for each: told a price first, then verified and admitted. */
export function createPaidOrders(deps: PaidOrderDeps, { desk, unpaidLimits }: PaymentDeps) {
  /** No faster than a facilitator can be asked. */
  const limitRate = async (c: ApiContext): Promise<void> => {
    const { clientAddress = 'unknown' } = c.get('facts');
    const taken = await deps.rateLimiter.take(`x402:${clientAddress}`, PAYER_RATE_PER_MINUTE);
    if (taken.allowed) return;
    const seconds = Math.max(1, Math.ceil(taken.retryAfterMs / 1000));
    throw new AppError(
      'rate-limited',
      `Without an API key, ${PAYER_RATE_PER_MINUTE} orders a minute are taken from one network address. Try again in ${seconds} s.`,
      { details: { retry_after: seconds } },
    );
  };

  /** The answer that says what to pay: nothing was paid, or not as it has to be. */
  const refuse = async (
    c: ApiContext,
    price: MicroUsd,
    problem: string | undefined,
  ): Promise<never> => {
    const resource = {
      url: `${c.get('facts').origin}${c.req.path}`,
      description: 'One image',
    };
    const { header, body } = await desk.demand(price, resource, problem);
    const pay = `This costs ${formatUsd(price)}. Pay for it with x402, or send an API key.`;
    throw new AppError(
      problem === undefined ? 'payment-required' : 'payment-invalid',
      problem === undefined ? pay : `${problem} ${pay}`,
      { details: { ...body, required: price, payment_required: header } },
    );
  };

  /** The payer's account, which is made with the first payment that was verified. */
  const accountOf = async (payment: JobPayment) => {
    const now = deps.clock.now();
    const account = payerAccount(payment, now);
    const known = await deps.ledger.getAccount(account.id);
    if (known?.disabledAt !== undefined) throw new AppError('account-disabled', ACCOUNT_DISABLED);
    if (known !== undefined) return known;
    const audit = payerAudit(account, createUlid(deps.clock, deps.randomBytes), now);
    await deps.ledger.createAccount(account, audit);
    return account;
  };

  const findEarlier = async (reference: string | undefined): Promise<Job | undefined> =>
    reference === undefined ? undefined : deps.jobs.findByScope(reference, deps.clock.now());

  return {
    /**
     * @throws AppError `payment-required`, `payment-invalid`, `rate-limited`, `invalid-input`,
     *   `account-disabled`, `unavailable`
     */
    async submit(c: ApiContext, order: ReadOrder): Promise<SubmitResult> {
      const { request, parsed } = order;
      assertSellable(request, parsed);
      await limitRate(c);
      const quote = deps.admission.quote({ model: request.model, input: parsed.input });
      if (quote.total === 0) {
        throw new AppError('unauthenticated', authorizationProblem(undefined));
      }
      const header = c.req.header('payment-signature') ?? c.req.header('x-payment');
      if (header === undefined) return refuse(c, quote.total, undefined);
      const offered = await desk.read(header, quote.total, deps.clock.now());
      const bodyHash =
        order.clientKey === undefined
          ? order.bodyHash
          : sha256Hex(`${order.bodyHash} ${order.clientKey}`);
      const earlier = await findEarlier(offered.reference);
      if (earlier !== undefined) {
        if (earlier.bodyHash !== bodyHash) return refuse(c, quote.total, REPLAYED);
        return { outcome: 'replayed', job: earlier, quote };
      }
      if (!offered.ok) return refuse(c, quote.total, offered.problem);
      const { clientAddress: address } = c.get('facts');
      const payment: JobPayment = { ...offered.payment, ...defined({ address }) };
      const problem = await desk.verify(payment);
      if (problem !== undefined) {
        return refuse(c, quote.total, `The payment is not accepted: ${problem}.`);
      }
      const account = await accountOf(payment);
      const key = payerKey(account);
      c.get('facts').caller = { key, account };
      const { model, dialect } = request;
      const { cancelAfterMs } = order;
      const result = await deps.admission.submit({
        ...parsed,
        key,
        model,
        dialect,
        bodyHash,
        payment,
        unpaidLimits,
        ...defined({ cancelAfterMs, tags: request.extras?.metadata ?? undefined }),
      });
      if (result.outcome === 'idempotency-mismatch') return refuse(c, quote.total, REPLAYED);
      return result;
    },
  };
}

export type PaidOrders = ReturnType<typeof createPaidOrders>;

function assertSellable({ extras }: OrderRequest, { input }: ParsedInput): void {
  if (input.num_outputs !== 1) {
    throw invalidInput([
      {
        path: 'input.num_outputs',
        message: 'one payment pays for one image; order each by itself',
      },
    ]);
  }
  if (extras?.webhook) {
    throw invalidInput([{ path: 'webhook', message: 'takes an account, whose secret signs it' }]);
  }
  if (extras?.preview === true) {
    throw invalidInput([{ path: 'preview', message: 'takes an account' }]);
  }
}
