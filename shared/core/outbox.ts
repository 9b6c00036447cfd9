import type { AccountEvent } from './account-hook.ts';
import type { AccountId, JobId } from './ids.ts';
import type { WebhookEvent } from './job.ts';

/** A webhook that has to be delivered: written in the transaction that made it true. */
export interface OutboxEntry {
  /** `webhook-id`: stays the same over all attempts, so that receivers can drop duplicates. */
  readonly id: string;
  readonly account: AccountId;
  /** Absent for what concerns the account itself. */
  readonly job?: JobId;
  readonly event: WebhookEvent | AccountEvent | 'test';
  /** The body, where there is no job to make it from. */
  readonly body?: string;
  /** Empty once the job's data was erased and nothing is sent there any more. */
  readonly url: string;
  readonly createdAt: number;
  /** When to try next; absent once delivered or given up. */
  readonly nextAttemptAt?: number;
  readonly attempts: number;
  readonly deliveredAt?: number;
  readonly abandonedAt?: number;
}

/** One try to deliver an entry. */
export interface DeliveryAttempt {
  readonly entry: string;
  readonly number: number;
  readonly at: number;
  readonly durationMs: number;
  /** The receiver's HTTP status, where it answered. */
  readonly status?: number;
  /** Why there was no good answer: `timeout`, `refused-address`, `redirect` … */
  readonly failure?: string;
}
