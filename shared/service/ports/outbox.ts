import type { LaneRoom } from '#shared/core/delivery-lanes.ts';
import type { AccountId, JobId } from '#shared/core/ids.ts';
import type { DeliveryAttempt, OutboxEntry } from '#shared/core/outbox.ts';

/** Receivers of an account that are listed: it can have them by the thousand, and they are looked through often. */
export const MOST_RECEIVERS = 200;

/** What an attempt leads to. */
export type AttemptResult =
  | { readonly next: 'delivered' }
  | { readonly next: 'retry'; readonly nextAttemptAt: number }
  | { readonly next: 'abandoned' };

/** An account's webhook secrets and its receivers' health. */
export interface WebhookSettings {
  readonly account: AccountId;
  /** `whsec_…`; the first signs, all of them while a rotation overlaps. */
  readonly secrets: readonly { readonly secret: string; readonly expiresAt?: number }[];
}

export interface EndpointHealth {
  readonly url: string;
  /** Since when every attempt has failed; absent when the last one was delivered. */
  readonly failingSince?: number;
  readonly disabledAt?: number;
  readonly disabledReason?: 'gone' | 'failing';
}

/**
 * Webhook deliveries. Entries are written by the transactions of what they tell of; one whose id is
 * there already changes nothing.
 */
export interface Outbox {
  get(id: string): Promise<OutboxEntry | undefined>;
  /** An entry that tells of nothing stored. */
  add(entry: OutboxEntry): Promise<void>;
  /**
   * Due entries, each hidden from other callers until `hideUntil` or until an attempt is recorded.
   *
   * @param room which of them the caller has room for; all where absent
   */
  claimDue(
    now: number,
    hideUntil: number,
    limit: number,
    room?: LaneRoom,
  ): Promise<readonly OutboxEntry[]>;
  recordAttempt(attempt: DeliveryAttempt, result: AttemptResult): Promise<void>;
  /**
   * Makes an ended entry due again (a resend keeps the webhook's id); undefined if it has not ended, or
   * has no address any more.
   */
  requeue(id: string, nextAttemptAt: number): Promise<OutboxEntry | undefined>;
  listByJob(job: JobId): Promise<readonly OutboxEntry[]>;
  /** Newest first. */
  listByAccount(
    account: AccountId,
    limit: number,
    before?: string,
  ): Promise<readonly OutboxEntry[]>;
  attempts(entry: string): Promise<readonly DeliveryAttempt[]>;

  getSettings(account: AccountId): Promise<WebhookSettings | undefined>;
  /** Replaces the settings if they are still `expected` (undefined = there are none yet). */
  putSettings(settings: WebhookSettings, expected: WebhookSettings | undefined): Promise<boolean>;

  getHealth(account: AccountId, url: string): Promise<EndpointHealth | undefined>;
  putHealth(account: AccountId, health: EndpointHealth): Promise<void>;
  /** By address, {@link MOST_RECEIVERS} at most. */
  listHealth(account: AccountId): Promise<readonly EndpointHealth[]>;
}
