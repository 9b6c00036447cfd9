import type Database from 'libsql';
import { toIso } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { type AccountId, createUlid, type RandomBytes, ulidFloor } from '#shared/core/ids.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { addUsd, type MicroUsd, ZERO_USD } from '#shared/core/money.ts';
import { createLedgerRows, toEntry } from './ledger-rows.ts';

/** How far an entry's own time may be from the time in its id. */
const ID_SLACK_MS = 60_000;
const TIME_LENGTH = 10;

/** What one entry stands for: the captures of an account in a UTC month. */
interface Month {
  readonly account: AccountId;
  readonly from: number;
  readonly to: number;
  jobs: number;
  images: number;
  amount: MicroUsd;
}

/**
 * Puts one capture in the place of a month of holds and their ends, for use inside a transaction: what an
 * account has is the same after it. Credit that came or went keeps its entries. A month that is through
 * has to agree with the sums of its days; where it doesn't, its last entries are left.
 */
export function createLedgerCompaction(db: Database.Database, randomBytes: RandomBytes) {
  const rows = createLedgerRows(db);
  const selectEnds = db.prepare(
    "SELECT * FROM ledger WHERE id < ? AND at < ? AND kind IN ('capture', 'release') " +
      'AND job IS NOT NULL ORDER BY id LIMIT ?',
  );
  const removeHold = db.prepare("DELETE FROM ledger WHERE job = ? AND kind = 'hold'");
  const remove = db.prepare('DELETE FROM ledger WHERE id = ?');
  const selectSums = db.prepare('SELECT kind, amount FROM ledger_sums WHERE account = ?');
  const within = "account = ? AND id >= ? AND id < ? AND kind = 'capture'";
  const selectMonth = db.prepare(`SELECT * FROM ledger WHERE ${within} AND job IS NULL`);
  const selectLeft = db.prepare(
    `SELECT 1 FROM ledger WHERE ${within} AND job IS NOT NULL AND at >= ? AND at < ? LIMIT 1`,
  );
  const selectDays = db.prepare(
    'SELECT total(jobs) jobs, total(images) images, total(amount) amount FROM usage_days ' +
      'WHERE account = ? AND day >= ? AND day < ?',
  );

  const sumsOf = (account: AccountId): string => JSON.stringify(toSums(selectSums.all(account)));

  /** The entry that stands for what was compacted of a month before, and its time. */
  const entryOf = ({ account, to }: Month): LedgerEntry | undefined => {
    const row = selectMonth.get(account, ulidFloor(to - 1), ulidFloor(to));
    return row === undefined ? undefined : toEntry(row);
  };

  const isThrough = ({ account, from, to }: Month): boolean => {
    const ids = [ulidFloor(from - ID_SLACK_MS), ulidFloor(to + ID_SLACK_MS)];
    return selectLeft.get(account, ...ids, from, to) === undefined;
  };

  const putMonth = (month: Month): void => {
    const { account, from, to } = month;
    const before = entryOf(month);
    if (before !== undefined) remove.run(before.id);
    const sums = {
      jobs: month.jobs + (before?.jobs ?? 0),
      images: month.images + (before?.images ?? 0),
      amount: addUsd(month.amount, before?.amount ?? ZERO_USD),
    };
    const at = to - 1;
    const id =
      ulidFloor(at).slice(0, TIME_LENGTH) + createUlid(LATEST, randomBytes).slice(TIME_LENGTH);
    const note = `Compacted: ${sums.jobs} predictions`;
    if (sums.jobs > 0) {
      rows.addEntry({ id: before?.id ?? id, account, kind: 'capture', at, note, ...sums });
    }
    if (!isThrough(month)) return;
    const days = selectDays.get(account, dayOf(from), dayOf(to)) as typeof sums;
    for (const name of ['jobs', 'images', 'amount'] as const) {
      if (days[name] !== sums[name]) throw disagrees(month, name, sums[name], days[name]);
    }
  };

  /**
   * @param before only months that end by then
   * @param limit ends of holds that are taken at one time
   * @returns how many there were
   */
  return (before: number, limit: number): number => {
    const end = monthOf(before).from;
    const ends = selectEnds.all(ulidFloor(Math.max(0, end)), end, limit).map(toEntry);
    const months = new Map<string, Month>();
    const sums = new Map(ends.map(({ account }) => [account, sumsOf(account)]));
    for (const entry of ends) {
      const { account, id, job, kind, images = 0, amount } = entry;
      if (removeHold.run(job).changes !== 1) throw withoutHold(entry);
      remove.run(id);
      const bounds = monthOf(entry.at);
      const name = `${account} ${bounds.from}`;
      const month = months.get(name) ?? {
        account,
        ...bounds,
        jobs: 0,
        images: 0,
        amount: ZERO_USD,
      };
      months.set(name, month);
      if (kind !== 'capture') continue;
      month.jobs++;
      month.images += images;
      month.amount = addUsd(month.amount, amount);
    }
    for (const month of months.values()) putMonth(month);
    for (const [account, text] of sums) {
      if (sumsOf(account) !== text) {
        throw new AppError(
          'internal-error',
          `Compacting the ledger of ${account} changed its sums`,
        );
      }
    }
    return ends.length;
  };
}

const LATEST = { now: () => 0 };

const dayOf = (at: number): string => toIso(at).slice(0, 10);

function monthOf(at: number): { readonly from: number; readonly to: number } {
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { from: Date.UTC(year, month), to: Date.UTC(year, month + 1) };
}

function toSums(rows: unknown): readonly (readonly [string, number])[] {
  return (rows as { kind: string; amount: number }[])
    .map(({ kind, amount }) => [kind, amount] as const)
    .sort();
}

function withoutHold({ id, account }: LedgerEntry): AppError {
  return new AppError('internal-error', `Entry ${id} in the ledger of ${account} ends no hold`);
}

function disagrees(month: Month, name: string, entries: number, days: number): AppError {
  return new AppError(
    'internal-error',
    `The ledger of ${month.account} for ${dayOf(month.from).slice(0, 7)} has ${entries} ${name}, ` +
      `and the sums of its days ${days}: it is left as it is`,
  );
}
