import type { MicroUsd } from '#shared/core/money.ts';
import type { JobPayment } from '#shared/core/payment.ts';

/** What the chain says of a signed transfer. */
export type TransferState =
  | { readonly kind: 'paid'; readonly transaction: string }
  /** @property at the chain's own time, in seconds since the Unix epoch, when it was not used yet */
  | { readonly kind: 'unused'; readonly at: number }
  /** The payer has withdrawn it, or has used its nonce for something else. */
  | { readonly kind: 'spent' };

export type SettleAnswer =
  | { readonly kind: 'settled'; readonly transaction: string }
  /**
   * The facilitator says that it did not work.
   *
   * @property isSure whether nothing can come of it any more; otherwise it may have been sent to the chain
   */
  | { readonly kind: 'refused'; readonly reason: string; readonly isSure: boolean };

/** Moves what payers have signed, and reads the chain. */
export interface PaymentGateway {
  /** Has the transfer made. A rejected promise says nothing of whether it was: ask {@link find}. */
  settle(payment: JobPayment): Promise<SettleAnswer>;
  /** Looks a transfer up by its nonce, in the blocks since `fromBlock`. */
  find(payment: JobPayment): Promise<TransferState>;
  /** The number of the chain's latest block. */
  height(): Promise<number>;
}

/** What an order is told that it has to pay. */
export interface PaymentDemand {
  /** The `PAYMENT-REQUIRED` header. */
  readonly header: string;
  /** Members of the body, for clients of version 1. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What is sold, for the payer's eyes. */
export interface SoldResource {
  readonly url: string;
  readonly description: string;
}

/**
 * What a client's payment header says, judged without asking anybody.
 *
 * @property reference the name under which an earlier order has it: that one is repeated, whatever has
 *   become of price and time since
 */
export type OfferedPayment =
  | { readonly ok: true; readonly payment: JobPayment; readonly reference: string }
  /** @property problem what is wrong with it, as a sentence */
  | { readonly ok: false; readonly problem: string; readonly reference?: string };

/** The counter at which orders are paid. */
export interface PaymentDesk extends PaymentGateway {
  demand(price: MicroUsd, resource: SoldResource, problem?: string): Promise<PaymentDemand>;
  /** @param now milliseconds since the Unix epoch */
  read(header: string, price: MicroUsd, now: number): Promise<OfferedPayment>;
  /** Asks the facilitator whether the payment would go through now; what is wrong with it otherwise. */
  verify(payment: JobPayment): Promise<string | undefined>;
}
