import { defined } from '#shared/core/defined.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import type { Ledger, LedgerQuery } from '#shared/service/ports/ledger.ts';

const PAGE = 500;
/** For so long each entry is kept at least; a month that ended before may be compacted. */
export const LEDGER_MS = 400 * 24 * 3_600_000;

/** Every entry of an account within a time, newest first, read page by page. */
export async function* ledgerEntries(
  ledger: Pick<Ledger, 'entries'>,
  query: Pick<LedgerQuery, 'account' | 'from' | 'to'>,
): AsyncGenerator<LedgerEntry> {
  let before: string | undefined;
  for (;;) {
    const page = await ledger.entries({ ...query, limit: PAGE, ...defined({ before }) });
    yield* page;
    before = page.at(-1)?.id;
    if (page.length < PAGE || before === undefined) return;
  }
}
