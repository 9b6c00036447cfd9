import type Database from 'libsql';
import type { AccountId } from '#shared/core/ids.ts';
import { type LedgerEntry, payOwed } from '#shared/core/ledger.ts';
import { type MicroUsd, ZERO_USD } from '#shared/core/money.ts';
import { rowMembers } from './row-members.ts';

export function toEntry(row: unknown): LedgerEntry {
  const { details, ...entry } = rowMembers<LedgerEntry & { readonly details: string }>(row);
  return { ...entry, ...(JSON.parse(details) as object) };
}

function toColumns({ id, account, kind, at, amount, job, ...details }: LedgerEntry): unknown[] {
  return [id, account, kind, at, amount, job ?? null, JSON.stringify(details)];
}

interface Funds {
  readonly balance: MicroUsd;
  readonly owed: MicroUsd;
}

/** Writes of money, for use inside a transaction. */
export function createLedgerRows(db: Database.Database) {
  // Many in one statement: what triggers need is prepared once for them all.
  const insert = db.prepare(
    'INSERT INTO ledger (id, account, kind, at, amount, job, details) SELECT value ->> 0, ' +
      'value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 FROM json_each(?)',
  );
  const move = db.prepare(
    'UPDATE accounts SET balance = balance + ?, held = held + ? WHERE id = ?',
  );
  const selectFunds = db.prepare('SELECT balance, owed FROM accounts WHERE id = ?');
  const changeOwed = db.prepare('UPDATE accounts SET owed = owed + ? WHERE id = ?');

  const funds = (account: AccountId): Funds | undefined =>
    selectFunds.get(account) as Funds | undefined;

  const addEntries = (entries: readonly LedgerEntry[]): void => {
    insert.run([JSON.stringify(entries.map(toColumns))]);
  };

  return {
    addEntries,
    addEntry: (entry: LedgerEntry): void => addEntries([entry]),

    /** Changes what an account can spend and what is held of it; the table refuses negatives. */
    moveMoney(account: AccountId, balance: number, held: number): void {
      move.run([balance, held, account]);
    },

    /**
     * Adds money that comes in, or comes back of what was held: what is owed is paid of it first.
     *
     * @returns what of it can be spent
     */
    takeIn(account: AccountId, amount: MicroUsd, held: number): MicroUsd {
      const owed = amount > 0 ? (funds(account)?.owed ?? ZERO_USD) : ZERO_USD;
      const { paid, left } = payOwed(amount, owed);
      if (paid > 0) changeOwed.run(-paid, account);
      move.run([left, held, account]);
      return left;
    },

    /** Adds to what an account owes. */
    owe(account: AccountId, amount: MicroUsd): void {
      changeOwed.run(amount, account);
    },

    funds,
  };
}
