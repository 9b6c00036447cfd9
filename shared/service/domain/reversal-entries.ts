import { defined } from '#shared/core/defined.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import type { MicroUsd } from '#shared/core/money.ts';
import type { Reversal } from '#shared/service/ports/ledger.ts';

/** The ledger's lines of a reversal: the second where the balance did not cover it. */
export function reversalEntries(
  { entryId, owedEntryId, account, amount, reference, at, note }: Reversal,
  owed: MicroUsd,
): readonly [reversal: LedgerEntry, owed?: LedgerEntry] {
  const reversal: LedgerEntry = {
    ...{ id: entryId, account, kind: 'reversal', at, amount, reference },
    ...defined({ note }),
  };
  if (owed === 0) return [reversal];
  return [reversal, { id: owedEntryId, account, kind: 'owed', at, amount: owed, reference }];
}
