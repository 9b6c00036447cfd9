import type { AccountHook } from '#shared/core/account-hook.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';

/** Where accounts are told of their events. */
export interface AccountHooks {
  get(account: AccountId): Promise<AccountHook | undefined>;
  list(): Promise<readonly AccountHook[]>;
  /**
   * Stores a hook together with the outbox entries of what it tells; false, and nothing is written, where
   * the stored hook is not the one before it (version 1 is the first).
   */
  put(hook: AccountHook, outbox: readonly OutboxEntry[]): Promise<boolean>;
  /** False when there is none. */
  remove(account: AccountId): Promise<boolean>;
}
