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
  /** Nothing was sent to the chain, or what was sent has failed there. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Moves what payers have signed, and reads the chain. */
export interface PaymentGateway {
  /** Has the transfer made. A rejected promise says nothing of whether it was: ask {@link find}. */
  settle(payment: JobPayment): Promise<SettleAnswer>;
  /** Looks a transfer up by its nonce, in the blocks since `fromBlock`. */
  find(payment: JobPayment): Promise<TransferState>;
  /** The number of the chain's latest block. */
  height(): Promise<number>;
}
