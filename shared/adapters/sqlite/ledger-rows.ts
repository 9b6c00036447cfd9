import type Database from 'libsql';
import { defined } from '#shared/core/defined.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { microUsd } from '#shared/core/money.ts';

export interface LedgerRow {
  readonly id: string;
  readonly account: string;
  readonly kind: string;
  readonly at: number;
  readonly amount: number;
  readonly job: string | null;
  readonly details: string;
}

export function toEntry(row: LedgerRow): LedgerEntry {
  const { id, account, kind, at, amount, job, details } = row;
  return {
    id,
    account,
    kind,
    at,
    amount: microUsd(amount),
    ...defined({ job: job ?? undefined }),
    ...(JSON.parse(details) as object),
  } as LedgerEntry;
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
      insert.run(id, account, kind, at, amount, job ?? null, JSON.stringify(details));
    },

    /** Changes what an account can spend and what is held of it; the table refuses negatives. */
    moveMoney(account: AccountId, balance: number, held: number): void {
      move.run(balance, held, account);
    },
  };
}
