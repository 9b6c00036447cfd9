import type { AutoTopupEnd, SavedCard } from '#shared/core/auto-topup.ts';
import type { AccountId } from '#shared/core/ids.ts';

/** An amount in the smallest unit of its currency, as card processors count. */
export interface CardAmount {
  readonly cents: number;
  /** ISO 4217, lower case. */
  readonly currency: string;
}

/** A payment by card, whatever page took it. */
export interface CardPayment extends CardAmount {
  readonly id: string;
  /** Whom it tops up; absent for one that was not made here. */
  readonly account?: AccountId;
  readonly isPaid: boolean;
  /** Of a payer who let the card be kept. */
  readonly saved?: SavedCard;
}

/** What the processor tells of payments, as far as it matters here. */
export type CardEvent =
  | {
      readonly kind: 'paid';
      readonly payment: CardPayment;
      /** Whether its card may be charged again. */
      readonly keepsCard?: boolean;
    }
  /** A refund, or the funds of a dispute, whose id is `id`. */
  | ({
      readonly kind: 'taken-back';
      readonly what: 'refund' | 'dispute';
      readonly id: string;
      readonly payment: string;
    } & CardAmount)
  /** The refund failed, or the dispute was won: what `taken-back` took is the account's again. */
  | ({
      readonly kind: 'given-back';
      readonly what: 'refund' | 'dispute';
      readonly id: string;
      readonly payment: string;
    } & CardAmount)
  | { readonly kind: 'other'; readonly type: string };

export interface CheckoutRequest {
  readonly account: AccountId;
  readonly cents: number;
  /** Where the payer comes back to, having paid or not. */
  readonly paidUrl: string;
  readonly canceledUrl: string;
  /** Whether the card is kept, to be charged again without its holder. */
  readonly keepsCard: boolean;
  /** The same key makes the same page. */
  readonly idempotencyKey: string;
}

export interface Checkout {
  readonly id: string;
  /** The page that takes the card. */
  readonly url: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

/** A charge of a card whose holder is not there. */
export interface ChargeRequest {
  readonly account: AccountId;
  readonly card: SavedCard;
  readonly cents: number;
  /** The same id charges once. */
  readonly id: string;
}

export type ChargeResult =
  | { readonly state: 'paid'; readonly payment: CardPayment }
  /** Neither paid nor refused yet. */
  | { readonly state: 'processing'; readonly payment: string }
  | { readonly state: 'refused'; readonly reason: AutoTopupEnd };

/** The counter at which credit is bought by card. */
export interface CardDesk {
  /** @throws AppError `unavailable` where the processor does not answer or refuses */
  checkout(request: CheckoutRequest): Promise<Checkout>;

  /**
   * What an event says, once its signature is known to be the processor's.
   *
   * @param body as it was sent, to the byte
   * @throws AppError `invalid-request` for a signature that is wrong or too old
   */
  readEvent(body: string, signature: string | undefined): Promise<CardEvent>;

  /** @throws AppError `unavailable` where it is not known whether the card was charged */
  charge(request: ChargeRequest): Promise<ChargeResult>;

  /** A payment as it is now. */
  payment(id: string): Promise<CardPayment>;
}
