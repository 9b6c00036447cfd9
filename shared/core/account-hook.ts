import type { AccountId } from './ids.ts';
import { type MicroUsd, microUsd } from './money.ts';

/** What an account can be told of, beside its predictions. */
export const ACCOUNT_EVENTS = [
  'balance.low',
  'key.capped',
  'endpoint.disabled',
  'model.warm',
  'model.cold',
  'topup.ended',
  'ledger.mismatch',
] as const;
export type AccountEvent = (typeof ACCOUNT_EVENTS)[number];

/** Below which balance an account is told so that has set none: a dollar. */
export const DEFAULT_LOW_BALANCE = microUsd(1_000_000);

/** Where an account is told of its events, and of which. */
export interface AccountHook {
  readonly account: AccountId;
  readonly url: string;
  readonly events: readonly AccountEvent[];
  /** `balance.low` is sent when less than this can be spent. */
  readonly lowBalance: MicroUsd;
  /** What held when it was looked at last, so that each is told once: names such as `balance.low`. */
  readonly told: readonly string[];
  /** Grows with each change, which is conditional on it. */
  readonly version: number;
}
