import type { AccountId } from './ids.ts';
import type { MicroUsd } from './money.ts';

/** A card that may be charged without its holder being there. */
export interface SavedCard {
  readonly customer: string;
  readonly method: string;
}

/** Buys credit by a card that was kept, when little is left. */
export interface AutoTopup {
  readonly account: AccountId;
  /** Buys when less than this can be spent. */
  readonly threshold: MicroUsd;
  readonly amount: MicroUsd;
  /** The most that is bought in one UTC month. */
  readonly monthlyLimit: MicroUsd;
  /** Absent until a payment has left one. */
  readonly card?: SavedCard;
  /** What was bought, or is being bought, in this UTC month (`2026-11`). */
  readonly month: string;
  readonly bought: MicroUsd;
  readonly attempt?: TopupAttempt;
  /** Why it stopped; setting it anew starts it again. */
  readonly ended?: { readonly at: number; readonly reason: AutoTopupEnd };
  /** Grows with each change, which is conditional on it. */
  readonly version: number;
}

/** A charge under way, whatever is set meanwhile. Whoever goes on with it uses its id again, which charges once. */
export interface TopupAttempt {
  readonly id: string;
  readonly at: number;
  readonly amount: MicroUsd;
  readonly card: SavedCard;
  /** Of one that takes its time. */
  readonly payment?: string;
}

/** The card's holder would have to be there, or the card was refused. */
export type AutoTopupEnd = 'authentication_required' | 'card_declined';
