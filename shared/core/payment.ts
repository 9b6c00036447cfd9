import type { ErrorCode } from './errors.ts';
import type { ImageRecord, Receipt } from './inference.ts';
import type { MicroUsd } from './money.ts';

/**
 * `verified`: the payer has signed, and nothing has moved. `settling`: the facilitator was or is about
 * to be asked to move the money; whether it did is read from the chain by the nonce. `settled`: the
 * money is here. `unsettled`: the work was done, the money did not come, and there is no image.
 * `released`: the job made nothing, and nothing was asked for.
 */
export type PaymentState = 'verified' | 'settling' | 'settled' | 'unsettled' | 'released';

/** What a run has made, kept back until it is paid for. */
export interface MadeWork {
  readonly images: readonly ImageRecord[];
  readonly receipt?: Receipt;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  readonly warnings: readonly string[];
}

/** A signed transfer of a token (EIP-3009) that pays for one job. */
export interface JobPayment {
  readonly state: PaymentState;
  /** CAIP-2: `eip155:8453`. */
  readonly network: string;
  /** Addresses and nonce in lower case: one payment has one name. */
  readonly asset: string;
  readonly payTo: string;
  readonly payer: string;
  readonly nonce: string;
  /** Millionths of a dollar, which are the units of a token with six decimals. */
  readonly amount: MicroUsd;
  /** Seconds since the Unix epoch, by the chain's clock; the transfer is void from then on. */
  readonly validBefore: number;
  /** What the payer has signed, as JSON; gone once the payment has ended. */
  readonly signed?: string;
  /** The client's network address, for its share of unpaid work; gone once the payment has ended. */
  readonly address?: string;
  /** Absent until the run is over. */
  readonly made?: MadeWork;
  /** How often the facilitator was asked. */
  readonly attempts: number;
  /** A block of the chain from before the first attempt: the transfer is in none before it. */
  readonly fromBlock?: number;
  /** How many of those attempts were answered with a refusal: what became of the others is unknown. */
  readonly refusals?: number;
  /** When to look at it again, in milliseconds since the Unix epoch. */
  readonly nextAt?: number;
  /** Until when nobody else asks the facilitator. */
  readonly turnEndsAt?: number;
  /** The transaction that moved the money. */
  readonly transaction?: string;
  /** Why it did not move. */
  readonly failure?: string;
}

/** What names a payment: a chain lets each nonce of a payer through once. */
export function paymentReference(
  payment: Pick<JobPayment, 'network' | 'asset' | 'payer' | 'nonce'>,
): string {
  return `x402:${payment.network}:${payment.asset}:${payment.payer}:${payment.nonce}`;
}

/** Whether the payment will not change any more. */
export function isFinal({ state }: Pick<JobPayment, 'state'>): boolean {
  return state === 'settled' || state === 'unsettled' || state === 'released';
}

/** The payment as it ends: what was signed, and from where, is no longer needed. */
export function endedPayment(
  payment: JobPayment,
  end: Pick<JobPayment, 'state'> & Partial<Pick<JobPayment, 'transaction' | 'failure'>>,
): JobPayment {
  const { signed: _, address: __, made: ___, nextAt: ____, turnEndsAt: _____, ...rest } = payment;
  return { ...rest, ...end };
}
