import { setImmediate as nextTurn } from 'node:timers/promises';
import { defined } from '#shared/core/defined.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import type { Ledger, LedgerQuery } from '#shared/service/ports/ledger.ts';

/** Some milliseconds of reading. */
const PAGE = 1000;

/**
 * Every entry of an account within a time, newest first, read page by page. Between two pages others get
 * their turn: a store in this process reads a page without leaving the thread.
 */
export async function* ledgerEntries(
  ledger: Pick<Ledger, 'entries'>,
  query: Pick<LedgerQuery, 'account' | 'from' | 'to'>,
): AsyncGenerator<LedgerEntry> {
  let before: string | undefined;
  for (;;) {
    const page = await ledger.entries({ ...query, limit: PAGE, ...defined({ before }) });
    yield* page;
    await nextTurn();
    before = page.at(-1)?.id;
    if (page.length < PAGE || before === undefined) return;
  }
}
