import type { AutoTopup } from '#shared/core/auto-topup.ts';
import type { AccountId } from '#shared/core/ids.ts';

/** Which accounts buy credit by themselves. */
export interface AutoTopups {
  get(account: AccountId): Promise<AutoTopup | undefined>;
  /** False, and nothing is written, where the stored one is not the one before it (version 1 is the first). */
  put(topup: AutoTopup): Promise<boolean>;
  /** False when there is none. */
  remove(account: AccountId): Promise<boolean>;
}
