import type Database from 'libsql';
import { LRUCache } from 'lru-cache';
import type { Account } from '#shared/core/account.ts';
import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { type AccountId, type RandomBytes, ulidFloor } from '#shared/core/ids.ts';
import { takeBack } from '#shared/core/ledger.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { microUsd } from '#shared/core/money.ts';
import { reversalEntries } from '#shared/service/domain/reversal-entries.ts';
import {
  type Grant,
  type GrantResult,
  grantEntry,
  type Ledger,
  type Reversal,
  type ReversalResult,
} from '#shared/service/ports/ledger.ts';
import { createAccountRows } from './account-rows.ts';
import { createAuditLog } from './audit-log.ts';
import { createCreditRows } from './credit-rows.ts';
import type { Writer } from './group-commit.ts';
import { createLedgerRows, toEntry } from './ledger-rows.ts';
import { createReadInTurns } from './read-in-turns.ts';
import { rowMembers } from './row-members.ts';
import { createUsageDays } from './usage-days.ts';

/** How far an entry's own time may be from the time in its id. */
const ID_SLACK_MS = 60_000;
const FOREVER = Number.MAX_SAFE_INTEGER;
/** Most accounts that are kept from one commit to the next. */
const MOST_READ = 1000;

export function createSqliteLedger(
  db: Database.Database,
  writer: Writer,
  { clock, randomBytes }: { readonly clock: Clock; readonly randomBytes: RandomBytes },
): Ledger {
  const audit = createAuditLog(db);
  const rows = createLedgerRows(db);
  const credit = createCreditRows(db, randomBytes);
  const accounts = createAccountRows(db);
  const readInTurns = createReadInTurns();
  const selectAccount = db.prepare(
    'SELECT *, (SELECT min(expires_at) FROM grants WHERE account = accounts.id AND remaining > 0) ' +
      'AS next_expiry FROM accounts WHERE id = ?',
  );
  const selectAccounts = db.prepare('SELECT * FROM accounts ORDER BY created_at, id');
  const hasDue = db.prepare('SELECT 1 FROM grants WHERE remaining > 0 AND expires_at <= ? LIMIT 1');
  const disable = db.prepare(
    'UPDATE accounts SET disabled_at = ? WHERE id = ? AND deleted_at IS NULL',
  );
  const selectByReference = db.prepare(
    'SELECT l.* FROM grants g JOIN ledger l ON l.id = g.entry WHERE g.reference = ?',
  );
  const selectReversal = db.prepare(
    "SELECT * FROM ledger WHERE kind = 'reversal' AND details ->> '$.reference' = ?",
  );
  const selectEntries = db.prepare(
    'SELECT * FROM ledger WHERE account = ? AND id >= ? AND id < ? AND at >= ? AND at < ? ' +
      'ORDER BY id DESC LIMIT ?',
  );
  const sumsOfAll = {
    money: db.prepare('SELECT sum(balance) balances, sum(held) held, sum(owed) owed FROM accounts'),
    entries: db.prepare('SELECT kind, sum(amount) amount FROM ledger_sums GROUP BY kind'),
  };
  const sumsOfOne = {
    money: db.prepare('SELECT balance balances, held, owed FROM accounts WHERE id = ?'),
    entries: db.prepare('SELECT kind, amount FROM ledger_sums WHERE account = ?'),
  };

  const getAccount = (id: AccountId): Account | undefined => {
    const row = selectAccount.get(id);
    return row === undefined ? undefined : toAccount(row);
  };

  // Every write goes through the writer, so between two commits nothing of an account changes.
  const read = new LRUCache<AccountId, { readonly account: Account; readonly until: number }>({
    max: MOST_READ,
  });
  writer.onCommit(() => read.clear());
  const readAccount = async (id: AccountId): Promise<Account | undefined> => {
    const now = clock.now();
    const known = read.get(id);
    if (known !== undefined && now < known.until) return known.account;
    const row = selectAccount.get(id);
    if (row === undefined) return undefined;
    const { nextExpiry: until = FOREVER } = rowMembers<AccountMembers>(row);
    if (until <= now) {
      return writer.write(() => {
        credit.expireDue(now, FOREVER, id);
        return getAccount(id);
      });
    }
    const account = toAccount(row);
    read.set(id, { account, until });
    return account;
  };

  const grantNow = (grant: Grant): GrantResult => {
    const row = selectByReference.get(grant.reference);
    if (row !== undefined) {
      const entry = toEntry(row);
      const same = entry.account === grant.account && entry.amount === grant.amount;
      return { outcome: same ? 'replayed' : 'conflict', entry };
    }
    if (getAccount(grant.account) === undefined) {
      throw new AppError('not-found', `There is no account ${grant.account}`);
    }
    const entry = grantEntry(grant);
    rows.addEntry(entry);
    credit.add({ ...grant, amount: rows.takeIn(grant.account, grant.amount, 0) });
    audit.add(grant.audit);
    return { outcome: 'granted', entry };
  };

  const reverseNow = (reversal: Reversal): ReversalResult => {
    const { account, amount, reference, at } = reversal;
    const row = selectReversal.get(reference);
    if (row !== undefined) {
      const entry = toEntry(row);
      const same = entry.account === account && entry.amount === amount;
      return { outcome: same ? 'replayed' : 'conflict', entry };
    }
    // What had expired by then is not there to be taken.
    credit.expireDue(at, FOREVER, account);
    const funds = rows.funds(account);
    if (funds === undefined) throw new AppError('not-found', `There is no account ${account}`);
    const { taken, owed } = takeBack(amount, funds.balance);
    const [entry, owing] = reversalEntries(reversal, owed);
    rows.addEntry(entry);
    credit.take(credit.plan(account, taken));
    rows.moveMoney(account, -taken, 0);
    if (owing !== undefined) {
      rows.addEntry(owing);
      rows.owe(account, owed);
    }
    audit.add(reversal.audit);
    return { outcome: 'reversed', entry };
  };

  return {
    createAccount: (account, entry) =>
      writer.write(() => {
        const created = accounts.add(account);
        if (created) audit.add(entry);
        return { created };
      }),

    getAccount: readAccount,

    async listAccounts() {
      const now = clock.now();
      if (hasDue.get(now) !== undefined) await writer.write(() => credit.expireDue(now, FOREVER));
      return selectAccounts.all().map(toAccount);
    },

    setDisabled: (id, disabledAt, entry) =>
      writer.write(() => {
        if (disable.run(disabledAt ?? null, id).changes > 0) audit.add(entry);
        return getAccount(id);
      }),

    grant: (grant) => writer.write(() => grantNow(grant)),

    async findGrant(reference) {
      const row = selectByReference.get(reference);
      return row === undefined ? undefined : toEntry(row);
    },

    reverse: (reversal) => writer.write(() => reverseNow(reversal)),

    expireCredits: (now, limit) => writer.write(() => credit.expireDue(now, limit)),

    async entries({ account, from, to, before, limit }) {
      const least = from === undefined ? '' : ulidFloor(from - ID_SLACK_MS);
      // What is newer than all that is wanted is not read to be passed over.
      const ceiling = to === undefined ? '~' : ulidFloor(to + ID_SLACK_MS);
      const most = before !== undefined && before < ceiling ? before : ceiling;
      const read = (wanted: number, last: LedgerEntry | undefined) =>
        selectEntries
          .all(account, least, last?.id ?? most, from ?? 0, to ?? FOREVER, wanted)
          .map(toEntry);
      return readInTurns(limit, read, before === undefined);
    },

    usage: createUsageDays(db, readInTurns),

    async totals(account) {
      const [sums, of] = account === undefined ? [sumsOfAll, []] : [sumsOfOne, [account]];
      const money = sums.money.get(...of) as Record<'balances' | 'held' | 'owed', number | null>;
      const kinds = sums.entries.all(...of) as { kind: string; amount: number }[];
      const sum = (kind: string) => microUsd(kinds.find((row) => row.kind === kind)?.amount ?? 0);
      return {
        balances: microUsd(money?.balances ?? 0),
        held: microUsd(money?.held ?? 0),
        owed: microUsd(money?.owed ?? 0),
        granted: sum('grant'),
        captured: sum('capture'),
        expired: sum('expiry'),
        reversed: sum('reversal'),
      };
    },
  };
}

type AccountMembers = Account & { readonly nextExpiry?: number };

function toAccount(row: unknown): Account {
  const { nextExpiry: _, owed, ...account } = rowMembers<AccountMembers>(row);
  return owed ? { ...account, owed } : account;
}
