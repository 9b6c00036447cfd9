import type { AccountId } from '#shared/core/ids.ts';
import type { LedgerEntry, LedgerTotals } from '#shared/core/ledger.ts';
import { allEntries } from '#test/helpers/invariant.ts';
import { must, mustBe } from './must.ts';
import { ACCOUNTS, type SimulatedWorld } from './worlds/world.ts';

/** Entries that one step adds, at most: more are read where it was more. */
const PAGE = 25;

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

  const read = async (account: AccountId): Promise<Book> => {
    const { ledger } = world.stores;
    const book = books.get(account) ?? { seen: new Set(), open: new Map(), sums: new Map() };
    books.set(account, book);
    let newest = await ledger.entries({ account, limit: PAGE });
    if (newest.length === PAGE && newest.every(({ id }) => !book.seen.has(id))) {
      newest = await allEntries(ledger, account);
    }
    for (const entry of [...newest].reverse()) if (!book.seen.has(entry.id)) take(entry, book);
    return book;
  };

  return {
    async check(): Promise<void> {
      const all = await world.stores.ledger.totals();
      mustBe(surplus(all), 0, 'balances and held money beside what came and went');
      let [balances, held] = [0, 0];
      for (const account of ACCOUNTS) {
        const book = await read(account);
        const totals = await world.stores.ledger.totals(account);
        balances += totals.balances;
        held += totals.held;
        must(totals.balances >= 0 && totals.held >= 0, `account ${account} has less than nothing`);
        mustBe(
          surplus(totals),
          0,
          `balance and held money of ${account} beside what came and went`,
        );
        mustBe(sum(book.open.values()), totals.held, `held by the entries of ${account}`);
        for (const [kind, name] of TOTALS) {
          mustBe(book.sums.get(kind) ?? 0, totals[name], `${kind} entries of ${account}`);
        }
      }
      mustBe(balances, all.balances, 'the balances of all');
      mustBe(held, all.held, 'what is held of all');
    },
  };
}

const TOTALS = [
  ['grant', 'granted'],
  ['capture', 'captured'],
  ['expiry', 'expired'],
] as const;

function surplus({ balances, held, granted, captured, expired }: LedgerTotals): number {
  return balances + held - (granted - captured - expired);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
