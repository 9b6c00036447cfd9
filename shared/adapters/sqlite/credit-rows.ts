import type Database from 'libsql';
import { type AccountId, createUlid, type RandomBytes } from '#shared/core/ids.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { microUsd } from '#shared/core/money.ts';
import type { Grant } from '#shared/service/ports/ledger.ts';
import { createLedgerRows } from './ledger-rows.ts';

/** A part of a hold, and the grant that it was taken from. */
export type Source = readonly [grant: string, amount: number];

interface GrantRow {
  readonly entry: string;
  readonly account: AccountId;
  readonly reference: string;
  readonly remaining: number;
}

/** What is left of the grant that expires first. */
export type FirstGrant = Pick<GrantRow, 'entry' | 'remaining'>;

type Granted = Pick<Grant, 'entryId' | 'account' | 'reference' | 'amount' | 'expiresAt'>;
type DrawRow = Pick<GrantRow, 'entry' | 'remaining'> & { readonly expires_at: number };

const FOREVER = Number.MAX_SAFE_INTEGER;
/** Grants that one read takes. Most holds are covered by the first. */
const FIRST_PAGE = 2;
const PAGE = 100;

/** What is left of grants, which per account is its balance; for use inside a transaction. */
export function createCreditRows(db: Database.Database, randomBytes: RandomBytes) {
  const ledger = createLedgerRows(db);
  const insert = db.prepare(
    'INSERT INTO grants (entry, account, reference, remaining, expires_at) VALUES (?, ?, ?, ?, ?)',
  );
  const selectAfter = db.prepare(
    'SELECT entry, remaining, expires_at FROM grants WHERE account = ? AND remaining > 0 ' +
      'AND (expires_at, entry) > (?, ?) ORDER BY expires_at, entry LIMIT ?',
  );
  const change = db.prepare('UPDATE grants SET remaining = remaining + ? WHERE entry = ?');
  const due = (of: string) =>
    db.prepare(
      `SELECT * FROM grants WHERE ${of} remaining > 0 AND expires_at <= ? ` +
        'ORDER BY expires_at, entry LIMIT ?',
    );
  const selectDue = due('');
  const selectDueOf = due('account = ? AND');

  const expire = (grant: GrantRow, now: number): LedgerEntry => {
    const { account, reference } = grant;
    const id = createUlid({ now: () => now }, randomBytes);
    const amount = microUsd(grant.remaining);
    const entry: LedgerEntry = { id, account, kind: 'expiry', at: now, amount, reference };
    ledger.addEntry(entry);
    change.run(-amount, grant.entry);
    ledger.moveMoney(account, -amount, 0);
    return entry;
  };

  return {
    /** @param amount what of the grant can be spent */
    add({ entryId, account, reference, amount, expiresAt }: Granted): void {
      insert.run(entryId, account, reference, amount, expiresAt ?? FOREVER);
    },

    /**
     * Which grants an amount would come from: those that expire first before others.
     *
     * @param first the first of them, which nearly always covers it
     */
    plan(account: AccountId, amount: number, first?: FirstGrant): readonly Source[] {
      if (first !== undefined && first.remaining >= amount) {
        return amount > 0 ? [[first.entry, amount]] : [];
      }
      const sources: Source[] = [];
      let last: readonly [expiresAt: number, entry: string] = [0, ''];
      for (let left = amount, page = FIRST_PAGE; left > 0; page = PAGE) {
        const grants = selectAfter.all(account, ...last, page) as DrawRow[];
        if (grants.length === 0) throw new Error(`account ${account} has less than its balance`);
        for (const { entry, remaining, expires_at } of grants) {
          if (left === 0) break;
          const part = Math.min(left, remaining);
          sources.push([entry, part]);
          left -= part;
          last = [expires_at, entry];
        }
      }
      return sources;
    },

    take(sources: readonly Source[]): void {
      for (const [grant, amount] of sources) change.run([-amount, grant]);
    },

    /** Gives back what of a hold was not spent: what expires first counts as spent first. */
    putBack(sources: readonly Source[], amount: number): void {
      let left = amount;
      for (const [grant, taken] of sources.toReversed()) {
        const part = Math.min(left, taken);
        if (part > 0) change.run(part, grant);
        left -= part;
      }
    },

    /** Expires what is left of grants whose time has come, of one account or of all. */
    expireDue(now: number, limit: number, account?: AccountId): readonly LedgerEntry[] {
      const rows =
        account === undefined ? selectDue.all(now, limit) : selectDueOf.all(account, now, limit);
      return (rows as GrantRow[]).map((grant) => expire(grant, now));
    },
  };
}

export type CreditRows = ReturnType<typeof createCreditRows>;
