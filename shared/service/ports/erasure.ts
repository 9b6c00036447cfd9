import type { Account, AuditEntry } from '#shared/core/account.ts';
import type { AccountId } from '#shared/core/ids.ts';

/** The end of accounts: each step may be repeated, and goes on where a process has died. */
export interface Erasure {
  /**
   * Deletes an account: shut out for good and without its name from now on; its data goes in the steps
   * that follow. One that was deleted before stays as it is.
   *
   * @returns the account; undefined when there is none
   */
  begin(id: AccountId, at: number, audit: AuditEntry): Promise<Account | undefined>;
  /** Deleted accounts that may still have data. */
  pending(): Promise<readonly Account[]>;
  /**
   * Erases keys, webhooks with their secrets and deliveries, and what was written beside the figures of
   * ledger and audit log: tags, notes, names. Not predictions.
   *
   * @returns how much was erased; 0 when nothing is left
   */
  eraseRecords(id: AccountId): Promise<number>;
  /** Notes that nothing is left. */
  end(id: AccountId, at: number): Promise<void>;
}

/** An entry of the ledger without what was written beside its figures; undefined when there is nothing. */
export function withoutNotes<Entry extends { readonly tags?: object; readonly note?: string }>(
  entry: Entry,
): Entry | undefined {
  const { note, tags, ...rest } = entry;
  if (note === undefined && Object.keys(tags ?? {}).length === 0) return undefined;
  return { ...rest, ...(tags !== undefined && { tags: {} }) } as Entry;
}

/** Details of acts that people have written. */
const WRITTEN = ['name', 'label', 'note', 'url'];

/** An act without what people have written about it; undefined when that is nothing. */
export function withoutWords(entry: AuditEntry): AuditEntry | undefined {
  const details = Object.entries(entry.details);
  const left = details.filter(([name]) => !WRITTEN.includes(name));
  if (left.length === details.length) return undefined;
  return { ...entry, details: Object.fromEntries(left) };
}
