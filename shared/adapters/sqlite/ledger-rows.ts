import type Database from 'libsql';
import type { AccountId } from '#shared/core/ids.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { rowMembers } from './row-members.ts';

export function toEntry(row: unknown): LedgerEntry {
  const { details, ...entry } = rowMembers<LedgerEntry & { readonly details: string }>(row);
  return { ...entry, ...(JSON.parse(details) as object) };
}

/** Writes of money, for use inside a transaction. */
export function createLedgerRows(db: Database.Database) {
  const insert = db.prepare(
    'INSERT INTO ledger (id, account, kind, at, amount, job, details) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const move = db.prepare(
    'UPDATE accounts SET balance = balance + ?, held = held + ? WHERE id = ?',
  );

  return {
    addEntry(entry: LedgerEntry): void {
      const { id, account, kind, at, amount, job, ...details } = entry;
      insert.run([id, account, kind, at, amount, job ?? null, JSON.stringify(details)]);
    },

    /** Changes what an account can spend and what is held of it; the table refuses negatives. */
    moveMoney(account: AccountId, balance: number, held: number): void {
      move.run([balance, held, account]);
    },
  };
}
