import type { AccountId, JobId } from '#shared/core/ids.ts';
import { type LedgerEntry, type LedgerTotals, ledgerDifference } from '#shared/core/ledger.ts';
import { allEntries, TOTALS } from '#test/helpers/invariant.ts';
import { must, mustBe } from './must.ts';
import { ACCOUNTS, type SimulatedWorld } from './worlds/world.ts';

/** Entries that are read of each account after a step; more where these don't add up. */
const PAGES = [4, 25] as const;

interface Book {
  readonly seen: Set<string>;
  /** Holds without an end. */
  readonly open: Map<string, number>;
  readonly sums: Map<string, number>;
}

/**
 * Reads the ledger beside the service, only what is new: each hold has at most one end, what has none is held,
 * and the entries say the same as the sums, for each account and for all, to the micro-USD.
 */
export function createBooks(world: SimulatedWorld) {
  const books = new Map<AccountId, Book>();

  const take = ({ id, kind, job: of, amount }: LedgerEntry, { seen, open, sums }: Book): void => {
    const job = of ?? '';
    seen.add(id);
    sums.set(kind, (sums.get(kind) ?? 0) + amount);
    if (kind === 'hold') open.set(job, amount);
    if (kind !== 'capture' && kind !== 'release') return;
    const hold = open.get(job);
    must(hold !== undefined, `a ${kind} without a hold, or a second end of job ${job}`);
    must(amount <= (hold ?? 0), `a ${kind} above the hold of job ${job}`);
    open.delete(job);
  };

  const bookOf = (account: AccountId): Book => {
    const book = books.get(account) ?? { seen: new Set(), open: new Map(), sums: new Map() };
    books.set(account, book);
    return book;
  };

  /** Takes what is new among the newest entries, and among all where those are not enough. */
  const read = async (account: AccountId, totals: LedgerTotals, whole: boolean): Promise<Book> => {
    const { ledger } = world.stores;
    const book = bookOf(account);
    for (const limit of whole ? [] : PAGES) {
      const newest = await ledger.entries({ account, limit });
      const fresh = newest.filter(({ id }) => !book.seen.has(id));
      if (newest.length === limit && !isComplete(fresh, newest.at(-1), book)) continue;
      takeNew(fresh, book);
      if (difference(book, totals) === undefined) return book;
    }
    takeNew(await allEntries(ledger, account), book);
    return book;
  };

  const takeNew = (newestFirst: readonly LedgerEntry[], book: Book): void => {
    for (const entry of [...newestFirst].reverse()) if (!book.seen.has(entry.id)) take(entry, book);
  };

  /** Whether a page reaches back to what is known, and each end in it to its hold. */
  const isComplete = (
    fresh: readonly LedgerEntry[],
    oldest: LedgerEntry | undefined,
    { open }: Book,
  ): boolean => {
    if (oldest === undefined || fresh.at(-1) === oldest) return false;
    const holds = new Set(fresh.flatMap(({ kind, job }) => (kind === 'hold' && job ? [job] : [])));
    return fresh.every(
      ({ kind, job }) =>
        (kind !== 'capture' && kind !== 'release') ||
        holds.has(job as JobId) ||
        open.has(job ?? ''),
    );
  };

  return {
    /** @param whole whether every entry is read, however old */
    async check({ whole = false } = {}): Promise<void> {
      const all = await world.stores.ledger.totals();
      mustBe(ledgerDifference(all), 0, 'balances and held money beside what came and went');
      let [balances, held, owed] = [0, 0, 0];
      for (const account of ACCOUNTS) {
        const totals = await world.stores.ledger.totals(account);
        const book = await read(account, totals, whole);
        balances += totals.balances;
        held += totals.held;
        owed += totals.owed;
        must(totals.balances >= 0 && totals.held >= 0, `account ${account} has less than nothing`);
        must(totals.owed >= 0, `account ${account} owes less than nothing`);
        mustBe(Math.min(totals.balances, totals.owed), 0, `what ${account} owes and could pay`);
        mustBe(
          ledgerDifference(totals),
          0,
          `balance and held money of ${account} beside what came and went`,
        );
        const wrong = difference(book, totals);
        must(wrong === undefined, () => `${wrong} of ${account}`);
      }
      mustBe(balances, all.balances, 'the balances of all');
      mustBe(held, all.held, 'what is held of all');
      mustBe(owed, all.owed, 'what is owed by all');
    },
  };
}

/** Where the entries and the sums of an account disagree. */
function difference(book: Book, totals: LedgerTotals): string | undefined {
  const held = sum(book.open.values());
  if (held !== totals.held) return `held by the entries: ${held}, not ${totals.held}`;
  for (const [kind, name] of TOTALS) {
    const of = book.sums.get(kind) ?? 0;
    if (of !== totals[name]) return `${kind} entries: ${of}, not ${totals[name]}`;
  }
  return undefined;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
